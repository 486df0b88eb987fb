"""The thread between hooks and files: it never makes a hook wait, and trouble changes no rule."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from addons.bypass.attempt import Attempt
from addons.bypass.clients import networks
from addons.bypass.learning import Candidate, replay
from addons.bypass.matcher import Arrival
from addons.bypass.rule import RuleRow
from addons.bypass.weighing import LearningOptions
from addons.store import keeper as keeper_module
from addons.store.bypass_store import BypassStore
from addons.store.keeper import Keeper, KeeperOptions
from addons.store.traffic import Passage
from tests.addons.conftest import START, Clock

FULL = {"owner": "network", "reason": "pinned app", "expires": date(2027, 2, 1)}


@pytest.fixture
def keeper(clock: Clock) -> Generator[Keeper]:
    made = Keeper(clock)
    yield made
    made.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bypass.sqlite3"


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def passes(keeper: Keeper, host: str) -> bool:
    rule = keeper.matcher.match(Arrival(host, None, None, 443), START)
    return rule is not None and rule.action == "pass"


def attempts(at: datetime = START) -> list[Attempt]:
    """Two users that trust shop.example and refuse bank.example."""
    found: list[Attempt] = []
    for client, user in (("10.0.0.1", "ann"), ("10.0.0.2", "ben")):
        found.append(
            Attempt(at, "client", "shop.example", 443, client, "accepted", ja4="one", bound=True,
                    user=user)
        )  # fmt: skip
        found += [
            Attempt(at, "client", "bank.example", 443, client, "failed", alert=46, alert_by="client",
                    ja4="two", bound=True, user=user)
        ] * 2  # fmt: skip
    return found


def by_addresses(at: datetime = START) -> list[Attempt]:
    """The same of nobody who logged in."""
    return [replace(one, user=None) for one in attempts(at)]


def replayed(found: list[Attempt]) -> tuple[Candidate, ...]:
    return replay(found, LearningOptions(), None).candidates


def test_rules_of_the_file_and_the_store_are_in_force_when_set_up_returns(
    keeper: Keeper, path: Path, tmp_path: Path, clock: Clock
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nhost = "file.example"\n')
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="store.example", **FULL))
    keeper.set_up(KeeperOptions(rules=rules, store=path))
    assert passes(keeper, "file.example")
    assert passes(keeper, "store.example")
    keeper.set_up(KeeperOptions())
    assert keeper.matcher.count == 0


def test_a_decision_made_elsewhere_is_taken_up_while_it_runs(
    keeper: Keeper, path: Path, clock: Clock
) -> None:
    keeper.set_up(KeeperOptions(store=path))
    keeper.start()
    until(path.exists)
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="bank.example", **FULL))
        until(lambda: passes(keeper, "bank.example"))
        store.remove_rule("bank.example")
        until(lambda: not passes(keeper, "bank.example"))


def test_what_is_put_is_written_and_remembered_by_the_next_run(
    keeper: Keeper, path: Path, clock: Clock
) -> None:
    keeper.set_up(KeeperOptions(store=path))
    keeper.start()
    for attempt in attempts():
        keeper.put(attempt)
    keeper.put(Passage(START, "x.example", "x.example", 1, 2, 0.5))
    keeper.close()
    with BypassStore(path, clock) as store:
        assert len(list(store.traffic.attempts())) == 6
        assert store.traffic.uses()["x.example"].connections == 1
        assert store.candidates() == []  # it only observes
    again = Keeper(clock)
    again.set_up(KeeperOptions(store=path))
    again.start()
    until(lambda: [one.host for one in again.learned().candidates] == ["bank.example"])
    again.close()


def test_suggesting_keeps_a_candidate_and_lets_nothing_through(
    keeper: Keeper, path: Path, clock: Clock
) -> None:
    keeper.set_up(KeeperOptions(store=path, mode="suggest"))
    keeper.start()
    for attempt in attempts():
        keeper.put(attempt)
    keeper.close()
    with BypassStore(path, clock) as store:
        (one,) = store.candidates("pending")
        assert (one.candidate.host, one.candidate.clients) == (
            "bank.example",
            ("user:ann", "user:ben"),
        )
        assert store.rules() == []
    assert not passes(keeper, "bank.example")


def test_auto_lets_through_for_a_while_once_and_never_for_good(
    keeper: Keeper, path: Path, clock: Clock
) -> None:
    keeper.set_up(KeeperOptions(store=path, mode="auto", trial=timedelta(minutes=30)))
    keeper.start()
    for attempt in attempts():
        keeper.put(attempt)
    until(lambda: passes(keeper, "bank.example"))
    assert not passes(keeper, "www.bank.example")
    clock.at += timedelta(minutes=31)
    until(lambda: not passes(keeper, "bank.example"))
    for attempt in attempts(clock.at):
        keeper.put(attempt)
    keeper.close()
    assert not passes(keeper, "bank.example")  # the next trial is a day away
    with BypassStore(path, clock) as store:
        assert [one.state for one in store.candidates()] == ["pending"]
        assert [e.action for e in store.audit()] == ["candidate", "trial"]


def test_auto_lets_nothing_through_that_addresses_alone_speak_for_unless_they_are_declared(
    keeper: Keeper, path: Path, clock: Clock
) -> None:
    keeper.set_up(KeeperOptions(store=path, mode="auto"))
    keeper.start()
    for attempt in by_addresses():
        keeper.put(attempt)
    with BypassStore(path, clock) as store:
        until(lambda: len(store.candidates("pending")) == 1)
        time.sleep(1)
        assert store.rules() == []
    assert not passes(keeper, "bank.example")
    devices = LearningOptions(devices=networks("10.0.0.0/24"))
    keeper.set_up(KeeperOptions(store=path, mode="auto", learning=devices))
    for attempt in by_addresses():
        keeper.put(attempt)
    until(lambda: passes(keeper, "bank.example"))


def test_auto_never_tries_out_a_server_that_asks_for_certificates(
    keeper: Keeper, path: Path, clock: Clock
) -> None:
    keeper.set_up(KeeperOptions(store=path, mode="auto"))
    keeper.start()
    for n in range(9):
        keeper.put(
            Attempt(START, "server", "mtls.example", 443, "10.0.0.1", "failed", alert=116,
                    asked_certificate=True, bound=True, user=f"user{n}")
        )  # fmt: skip
    with BypassStore(path, clock) as store:
        until(lambda: [c.candidate.proven for c in store.candidates("pending")] == [9])
    keeper.close()
    assert not passes(keeper, "mtls.example")


def test_a_candidate_whose_evidence_merely_got_old_stays_for_a_person(
    keeper: Keeper, path: Path, clock: Clock
) -> None:
    """An upgrade leaves candidates whose attempts do not say whether they were bound."""
    with BypassStore(path, clock) as store:
        (found,) = replayed(attempts())
        store.propose(found)
        keeper.set_up(KeeperOptions(store=path, mode="suggest"))
        keeper.start()
        for attempt in attempts():
            keeper.put(replace(attempt, bound=None))
        until(lambda: len(list(store.traffic.attempts())) == 6)
        time.sleep(1)
        assert len(store.candidates("pending")) == 1


def test_strangers_bring_so_many_candidates_before_a_person_and_users_always_do(
    keeper: Keeper, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keeper.set_up(KeeperOptions(store=path, mode="suggest", most=9))
    keeper.start()
    trusting, refusal, *_ = by_addresses()
    for client in ("10.0.1.1", "10.0.1.2"):
        keeper.put(replace(trusting, client=client))
        for n in range(40):
            keeper.put(replace(refusal, host=f"h{n // 2}.made.example", client=client))
    with BypassStore(path, clock) as store:
        until(
            lambda: any("9 candidates wait for a person" in r.getMessage() for r in caplog.records)
        )
        for attempt in attempts():
            keeper.put(attempt)
        until(lambda: store.candidate("bank.example") is not None)
        assert len(store.candidates("pending")) == 10


def test_a_success_of_the_same_kind_of_client_clears_the_candidate(
    keeper: Keeper, path: Path, clock: Clock
) -> None:
    keeper.set_up(KeeperOptions(store=path, mode="suggest"))
    keeper.start()
    for attempt in attempts():
        keeper.put(attempt)
    with BypassStore(path, clock) as store:
        until(lambda: len(store.candidates("pending")) == 1)
        success = Attempt(START, "client", "bank.example", 443, "10.0.0.3", "accepted", ja4="two")
        keeper.put(success)  # at an address that is not the host's, as far as anybody can tell
        time.sleep(1)
        assert len(store.candidates("pending")) == 1
        keeper.put(replace(success, bound=True))
        until(lambda: len(store.candidates("cleared")) == 1)


def test_a_store_that_breaks_leaves_the_rules_says_so_once_and_loses_nothing(
    keeper: Keeper, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="bank.example", **FULL))
    keeper.set_up(KeeperOptions(store=path))
    keeper.start()
    until(lambda: passes(keeper, "bank.example"))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    keeper.put(attempts()[0])
    until(lambda: any("locked" in r.getMessage() for r in caplog.records))
    keeper.put(attempts()[1])
    time.sleep(3)
    assert passes(keeper, "bank.example")
    assert sum(r.levelno == logging.ERROR for r in caplog.records) == 1
    holder.execute("ROLLBACK")
    holder.close()
    keeper.close()
    with BypassStore(path, clock) as store:
        assert len(list(store.traffic.attempts())) == 2
    assert keeper.dropped == 0


def test_a_store_that_is_damaged_or_taken_away_leaves_the_rules(
    keeper: Keeper, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="bank.example", **FULL))
    keeper.set_up(KeeperOptions(store=path))
    for beside in path.parent.iterdir():
        beside.unlink()
    path.write_bytes(b"rubbish " * 1000)
    keeper.start()
    until(lambda: any("not a database" in r.getMessage() for r in caplog.records))
    assert passes(keeper, "bank.example")
    path.unlink()
    until(lambda: any("cannot be found any more" in r.getMessage() for r in caplog.records))
    assert passes(keeper, "bank.example")
    assert not path.exists()
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="other.example", **FULL))
    until(lambda: passes(keeper, "other.example"))
    assert not passes(keeper, "bank.example")


def test_a_syslog_that_makes_no_sense_leaves_the_rules_and_is_said(
    keeper: Keeper,
    path: Path,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="bank.example", **FULL))
    keeper.set_up(KeeperOptions(store=path))
    monkeypatch.setenv("TLSIGHT_BYPASS_SYSLOG", "nonsense")
    keeper.start()
    until(lambda: any("is no syslog" in r.getMessage() for r in caplog.records))
    assert passes(keeper, "bank.example")
    monkeypatch.delenv("TLSIGHT_BYPASS_SYSLOG")
    keeper.put(attempts()[0])
    keeper.close()
    with BypassStore(path, clock) as store:
        assert len(list(store.traffic.attempts())) == 1


def test_without_room_what_is_put_is_dropped_and_counted(clock: Clock, tmp_path: Path) -> None:
    keeper = Keeper(clock)
    keeper.set_up(KeeperOptions(store=tmp_path / "b.sqlite3"))
    one = attempts()[0]
    for _ in range(keeper_module.MAX_WAITING + 7):
        keeper.put(one)
    assert keeper.dropped == 7


def test_other_thresholds_learn_anew_from_what_is_kept(
    keeper: Keeper, path: Path, clock: Clock
) -> None:
    with BypassStore(path, clock) as store:
        store.traffic.write(attempts(), [])
    keeper.set_up(KeeperOptions(store=path, learning=LearningOptions(clients=5)))
    keeper.start()
    time.sleep(0.7)
    assert keeper.learned().candidates == ()
    keeper.set_up(KeeperOptions(store=path, learning=LearningOptions(clients=1)))
    until(lambda: len(keeper.learned().candidates) == 1)


def test_a_regex_that_is_not_in_force_is_named_and_the_rest_is_in_force_at_the_first_start(
    keeper: Keeper, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="bank.example", **FULL))  # type: ignore[arg-type]
        store.add_rule(RuleRow(regex="placeholder", **FULL))  # type: ignore[arg-type]
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "UPDATE rule SET pattern = '/a(?=b)/', row = json_set(row, '$.regex', 'a(?=b)') WHERE id = 2"
        )
    told: list[int] = []
    keeper.changed = lambda: told.append(keeper.matcher.count)
    keeper.set_up(KeeperOptions(store=path))
    assert passes(keeper, "bank.example")
    assert told == [2]
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert line.startswith(
        "tlsight: /a(?=b)/: It is not in force, its hosts are inspected: RE2 has not"
    )
