"""The store: decisions with their trail, trials that end, traffic that is bounded, and damage that is told."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Generator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from addons.bypass.attempt import Attempt
from addons.bypass.audit import first_break
from addons.bypass.learning import Candidate
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import RuleRow
from addons.store.auditing import audited
from addons.store.bypass_store import BypassStore
from addons.store.traffic import Passage
from detector.errors import ConfigError, StoreError
from tests.addons.conftest import START, Clock

FULL = {"owner": "network", "reason": "pinned app", "expires": date(2027, 2, 1)}


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "bypass.sqlite3", clock, "ann") as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bypass.sqlite3"


def candidate(host: str = "bank.example", **more: object) -> Candidate:
    fields = {
        "weight": 4.0,
        "clients": ("a", "b"),
        "first": START,
        "last": START,
        "text": "t",
        **more,
    }
    return Candidate(host=host, kind="certificate-pinned", **fields)  # type: ignore[arg-type]


def attempt(host: str = "bank.example", at: datetime = START, **more: object) -> Attempt:
    fields = {"outcome": "failed", "alert": 46, "alert_by": "client", **more}
    return Attempt(at, "client", host, 443, "10.0.0.1", **fields)  # type: ignore[arg-type]


def patterns(store: BypassStore) -> list[str]:
    return [one.rule.pattern for one in store.rules()]


def actions(store: BypassStore) -> list[str]:
    assert first_break(store.audit()) is None
    return [entry.action for entry in store.audit()]


def test_rules_are_added_expired_and_removed_with_their_trail(store: BypassStore) -> None:
    before = store.revision()
    store.add_rule(RuleRow(host="bank.example", **FULL))
    store.add_rule(RuleRow(suffix="apple.com", **FULL))
    assert patterns(store) == ["bank.example", ".apple.com"]
    assert store.expire_rule("bank.example", "moved").expires == START
    store.remove_rule(".apple.com", "not ours")
    assert patterns(store) == ["bank.example"]
    assert actions(store) == ["add", "add", "expire", "remove"]
    assert store.revision() == before + 4
    assert {entry.by for entry in store.audit()} == {"ann"}


def test_a_rule_that_is_there_or_means_nothing_is_refused_and_leaves_no_trail(
    store: BypassStore,
) -> None:
    store.add_rule(RuleRow(host="bank.example"))
    for row in (RuleRow(host="BANK.example."), RuleRow(), RuleRow(host="a b")):
        with pytest.raises(ConfigError):
            store.add_rule(row)
    with pytest.raises(ConfigError, match="no such rule"):
        store.remove_rule("other.example")
    assert actions(store) == ["add"]


def test_an_import_is_whole_or_not_at_all(store: BypassStore) -> None:
    rows = [RuleRow(host="a.com"), RuleRow(host="b.com"), RuleRow(host="a.com")]
    assert store.import_rules(rows, "list") == (2, ["a.com"])
    with pytest.raises(ConfigError):
        store.import_rules([RuleRow(host="c.com"), RuleRow(host="a b")], "list")
    assert patterns(store) == ["a.com", "b.com"]
    assert actions(store) == ["import"]


def test_a_candidate_is_told_once_and_approved_with_an_owner_a_reason_and_an_end(
    store: BypassStore,
) -> None:
    assert store.propose(candidate())
    assert not store.propose(candidate(weight=9.0))
    assert store.candidates("pending")[0].candidate.weight == 9.0
    row = RuleRow(host="bank.example", port=443)
    with pytest.raises(ConfigError, match="no owner, no reason, no expires"):
        store.approve("bank.example", row)
    rule = store.approve("bank.example", RuleRow(host="bank.example", port=443, **FULL))
    assert (rule.pattern, rule.created) == ("bank.example:443", START.date())
    assert store.rules()[0].rule.evidence == "certificate-pinned: t"
    assert store.candidates("pending") == []
    assert not store.propose(candidate())
    assert actions(store) == ["candidate", "approve"]


def test_a_rejected_candidate_is_not_asked_about_again(store: BypassStore) -> None:
    store.propose(candidate())
    store.reject("bank.example", "no")
    assert not store.propose(candidate(weight=99.0))
    assert [one.state for one in store.candidates()] == ["rejected"]


def test_a_snoozed_candidate_comes_back(store: BypassStore, clock: Clock) -> None:
    store.propose(candidate())
    store.snooze("bank.example", START + timedelta(days=7))
    assert store.candidates("pending") == []
    clock.at += timedelta(days=8)
    assert len(store.candidates("pending")) == 1


def test_evidence_that_went_away_clears_what_was_not_decided(store: BypassStore) -> None:
    store.propose(candidate("a.com"))
    store.propose(candidate("b.com"))
    store.reject("b.com", "")
    for host in ("a.com", "b.com", "unknown.com"):
        store.clear(host, "somebody succeeded")
    states = {one.candidate.host: one.state for one in store.candidates()}
    assert states == {"a.com": "cleared", "b.com": "rejected"}
    assert store.propose(candidate("a.com"))


def test_a_trial_ends_by_itself_and_is_no_approval(store: BypassStore, clock: Clock) -> None:
    store.propose(candidate())
    row = RuleRow(host="bank.example", port=443, owner="auto", reason="trial")
    store.try_out(candidate(), row, START + timedelta(minutes=30))
    assert [one.state for one in store.rules()] == ["trial"]
    assert store.next_end() == START + timedelta(minutes=30)
    clock.at += timedelta(minutes=31)
    assert store.rules() == []
    assert store.next_end() is None
    assert store.candidates("pending")[0].tried == START


def test_an_approval_takes_the_place_of_a_trial_and_a_rejection_ends_it(store: BypassStore) -> None:
    row = RuleRow(host="bank.example", port=443, owner="auto", reason="trial")
    until = START + timedelta(minutes=30)
    store.propose(candidate())
    store.try_out(candidate(), row, until)
    store.approve("bank.example", RuleRow(host="bank.example", port=443, **FULL))
    assert [one.state for one in store.rules()] == ["approved"]
    store.propose(candidate("x.example"))
    store.try_out(candidate("x.example"), RuleRow(host="x.example"), until)
    store.reject("x.example", "no")
    assert patterns(store) == ["bank.example:443"]
    store.propose(candidate("192.0.2.1"))
    store.try_out(candidate("192.0.2.1"), RuleRow(cidr="192.0.2.1"), until)
    store.reject("192.0.2.1", "no")
    store.try_out(candidate("y.example"), RuleRow(host="y.example"), until)
    store.add_rule(RuleRow(host="y.example", **FULL))
    assert patterns(store) == ["bank.example:443", "y.example"]


def test_attempts_and_passages_are_kept_and_counted_by_day(store: BypassStore) -> None:
    trusted = attempt("shop.example", outcome="accepted", alert=None, alert_by=None)
    passed = Passage(START, "bank.example", "bank.example:443", 100, 900, 2.5)
    store.traffic.write([attempt(), attempt(), trusted], [passed, passed])
    assert len(list(store.traffic.attempts())) == 3
    assert store.traffic.hosts() == ["bank.example", "shop.example"]
    assert store.traffic.classes("bank.example", "2026-11-01") == {"2026-11-23": {"refused": 2}}
    use = store.traffic.uses()["bank.example:443"]
    assert (use.connections, use.up, use.down, use.seconds) == (2, 200, 1800, 5.0)
    (day,) = store.traffic.days("2026-11-01")
    assert (day.passed, day.inspected, day.bytes_passed) == (2, 1, 2000)
    assert store.traffic.totals() == {"refused": 2, "trusted": 1}


def test_old_attempts_and_too_many_are_forgotten(store: BypassStore) -> None:
    old = START - timedelta(days=40)
    store.traffic.write([attempt(at=old), attempt(), attempt()], [])
    store.traffic.prune(START)
    assert len(list(store.traffic.attempts())) == 2
    store.traffic.prune(START, most=1)
    assert len(list(store.traffic.attempts(last=10))) == 1
    store.traffic.prune(START + timedelta(days=500))
    assert store.traffic.totals() == {}


def test_a_changed_row_is_seen_by_the_trail(store: BypassStore, tmp_path: Path) -> None:
    store.add_rule(RuleRow(host="a.com"))
    store.add_rule(RuleRow(host="b.com"))
    other = sqlite3.connect(tmp_path / "bypass.sqlite3")
    other.execute("UPDATE audit SET by = 'nobody' WHERE number = 1")
    other.commit()
    other.close()
    assert first_break(store.audit()) == "entry 1 was changed, or one before it"


def test_a_store_that_is_none_damaged_locked_or_of_the_future_is_one_line(
    tmp_path: Path, clock: Clock
) -> None:
    none = tmp_path / "none.sqlite3"
    none.write_bytes(b"not a database at all, but long enough to be one" * 50)
    with pytest.raises(StoreError, match="move the file away"):
        BypassStore(none, clock)
    future = tmp_path / "future.sqlite3"
    sqlite3.connect(future).execute("PRAGMA user_version = 99").connection.close()
    with pytest.raises(StoreError, match="update tlsight"):
        BypassStore(future, clock)
    with pytest.raises(StoreError):
        BypassStore(tmp_path / "none.sqlite3" / "below.sqlite3", clock)
    path = tmp_path / "locked.sqlite3"
    with BypassStore(path, clock) as opened:
        holder = sqlite3.connect(path)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            opened.add_rule(RuleRow(host="a.com"))
        holder.close()
        opened.add_rule(RuleRow(host="a.com"))
        assert actions(opened) == ["add"]


def test_a_damaged_rule_is_no_half_list(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "b.sqlite3"
    with BypassStore(path, clock) as opened:
        opened.import_rules([RuleRow(host="a.com"), RuleRow(host="b.com")], "x")
        opened._db.execute("UPDATE rule SET row = '{' WHERE pattern = 'b.com'")
        opened._db.commit()
        with pytest.raises(StoreError, match="malformed"):
            opened.rules()


def test_the_file_is_for_its_owner_alone(store: BypassStore, tmp_path: Path) -> None:
    assert (tmp_path / "bypass.sqlite3").stat().st_mode & 0o077 == 0


def test_a_long_import_is_whole_in_the_trail(store: BypassStore) -> None:
    rows = [RuleRow(host=f"h{n}.example", owner="o") for n in range(2500)]
    assert store.import_rules(rows, "list")[0] == 2500
    assert actions(store) == ["import"] * 3
    rules, candidates = store.tables()
    assert (len(rules), candidates) == (2500, {})


def test_what_a_person_accepts_is_kept_with_what_was_found(store: BypassStore) -> None:
    store.add_rule(RuleRow(host="a.com"))
    store.accept("a backup was put back", ["the rule b.com is gone"])
    *_, last = store.audit()
    assert (last.action, last.subject) == ("accept", "a backup was put back")
    assert "the rule b.com is gone" in last.details
    assert '"host":"a.com"' in last.details


def test_bytes_that_are_no_text_are_refused_and_leave_nothing(store: BypassStore) -> None:
    with pytest.raises(ConfigError, match="is no UTF-8"):
        store.add_rule(RuleRow(host="a.com", reason="\udcff"))
    assert patterns(store) == []
    assert actions(store) == []


def test_who_reads_a_store_that_nobody_made_finds_it_empty_where_that_is_meant(
    tmp_path: Path, clock: Clock
) -> None:
    none = tmp_path / "none.sqlite3"
    with pytest.raises(StoreError, match="there is no bypass store here"):
        BypassStore(none, clock, read_only=True)
    with BypassStore(none, clock, read_only=True, or_empty=True) as opened:
        assert (patterns(opened), actions(opened)) == ([], [])
    assert not none.exists()


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
store = BypassStore(Path(sys.argv[1]), lambda: datetime.now(UTC))
for n in range(100000):
    store.add_rule(RuleRow(host=f"h{n}.example"))
    print(n, flush=True)
"""


def test_nothing_that_was_said_to_be_kept_is_lost_by_a_kill(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "bypass.sqlite3"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(path)],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(50)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    said += [int(line) for line in process.stdout.read().split()]
    process.stdout.close()
    with BypassStore(path, clock) as opened:
        kept = set(patterns(opened))
        assert {f"h{n}.example" for n in said} <= kept
        assert first_break(opened.audit()) is None
        assert len(list(opened.audit())) == len(kept)


def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "bypass.sqlite3"
    with BypassStore(path, clock) as opened:
        opened.add_rule(RuleRow(host="a.com"))
        (pages,) = opened._db.execute("PRAGMA page_count").fetchone()
        opened._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="free some space"):
            opened.import_rules([RuleRow(host=f"h{n}.example") for n in range(5000)], "big")
        assert patterns(opened) == ["a.com"]
        opened._db.execute("PRAGMA max_page_count = 1000000")
        opened.add_rule(RuleRow(host="b.com"))
        assert actions(opened) == ["add", "add"]


def test_a_store_with_a_regex_that_is_no_longer_said_opens_and_the_rest_stays_in_force(
    path: Path, clock: Clock
) -> None:
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="bank.example", **FULL))
        store.add_rule(RuleRow(regex="placeholder", **FULL))
    row = msgspec.json.encode(RuleRow(regex="^a(?=[.]com).*$", **FULL)).decode()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE rule SET pattern = ?, row = ? WHERE id = 2", ("/a(?=[.]com).*/", row))
    with BypassStore(path, clock) as store:
        assert patterns(store) == ["bank.example", "/a(?=[.]com).*/"]
        matcher = Matcher(one.rule for one in store.rules())
        assert [rule.pattern for rule, _ in matcher.unsaid] == ["/a(?=[.]com).*/"]
        found = matcher.match(Arrival("bank.example", None, None, 443), clock())
        assert found is not None
        assert found.host == "bank.example"
        assert store.tables()[0]["/a(?=[.]com).*/"] is not None
        with pytest.raises(ConfigError, match="look ahead"):
            store.add_rule(RuleRow(regex="b(?=c)", **FULL))
        store.expire_rule("/a(?=[.]com).*/", "no longer said")
        store.remove_rule("/a(?=[.]com).*/", "no longer said")


def test_what_is_kept_is_settled_so_that_it_reads_the_same_again(path: Path, clock: Clock) -> None:
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(regex=r"^a\.com:443$", **FULL))
        store.import_rules(
            [RuleRow(host="203.0.113.7", **FULL), RuleRow(regex="b:25", **FULL)], "x"
        )
        assert patterns(store) == [r"/a\.com/:443", "203.0.113.7/32", "/b/:25"]
        assert all(store.tables()[0].values())
        assert audited(store, clock()).faults == ()


def test_a_rule_ends_at_its_moment_and_its_trail_says_the_same(path: Path, clock: Clock) -> None:
    end = START + timedelta(hours=2)
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="a.com", owner="o", reason="r", expires=end))
        (kept,) = store.rules()
        assert kept.rule.expires == end
        store.expire_rule("a.com", "done")
        assert audited(store, clock()).faults == ()


def test_what_is_told_of_an_open_connection_is_counted_once(store: BypassStore) -> None:
    first = Passage(START, "a.com", "a.com", 10, 100, 60.0, connections=2)
    store.traffic.write([], [first])
    store.traffic.write([], [Passage(START, "a.com", "a.com", 1, 2, 3.0, connections=0)])
    use = store.traffic.uses()["a.com"]
    assert (use.connections, use.up, use.down, use.seconds) == (2, 11, 102, 63.0)
