"""What a decision changes can be taken back, whatever kind of entry says it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.bypass.change import PART, Change, StaleError, between, decision_of, undoing
from addons.bypass.ledger import Placed, replayed
from addons.bypass.rule import RuleRow
from addons.store.auditing import audited
from addons.store.bypass_store import BypassStore
from detector.errors import ConfigError, StoreError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
END = date(2027, 6, 30)


def row(host: str, **fields: object) -> RuleRow:
    return RuleRow(host=host, owner="net", reason="pinned", expires=END, **fields)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BypassStore]:
    with BypassStore(tmp_path / "bypass.sqlite3", lambda: NOW, "ann") as opened:
        yield opened


def patterns(store: BypassStore) -> list[str]:
    return sorted(store.placed())


def last(store: BypassStore) -> int:
    return list(store.audit())[-1].number


def test_each_kind_of_decision_is_taken_back(store: BypassStore) -> None:
    store.add_rule(row("a.com"))
    store.undo(last(store))
    assert patterns(store) == []
    store.add_rule(row("a.com"))
    store.remove_rule("a.com", "no longer")
    store.undo(last(store), "it was")
    assert patterns(store) == ["a.com"]
    store.renew_rule("a.com", date(2028, 1, 1))
    store.undo(last(store))
    assert store.rules()[0].rule.expires == END
    store.expire_rule("a.com")
    store.undo(last(store))
    assert store.rules()[0].rule.expires == END
    store.undo(last(store))  # the undoing itself
    assert store.rules()[0].rule.until == "2026-11-23T12:00Z"
    assert audited(store, NOW).faults == ()


def test_a_long_import_is_taken_back_whole_by_any_of_its_entries(store: BypassStore) -> None:
    store.add_rule(row("before.com"))
    rows = [row(f"h{n}.com") for n in range(2 * PART + 1)]
    assert store.import_rules(rows, "squid: list")[0] == len(rows)
    entries = list(store.audit())
    assert len(entries) == 4
    assert decision_of(entries, 3) == (2, 4)
    assert store.undo(3) == len(rows)
    assert patterns(store) == ["before.com"]
    assert audited(store, NOW).faults == ()


def test_what_was_decided_since_stands_in_the_way_and_is_named(store: BypassStore) -> None:
    store.import_rules([row("a.com"), row("b.com")], "list")
    store.renew_rule("b.com", date(2028, 1, 1))
    with pytest.raises(StaleError, match=r"b[.]com.*undo entry 2 first"):
        store.undo(1)
    assert patterns(store) == ["a.com", "b.com"]
    store.undo(2)
    store.undo(1)
    assert patterns(store) == []


def test_who_removes_a_rule_again_meant_it(store: BypassStore) -> None:
    store.add_rule(row("a.com"))
    store.remove_rule("a.com")
    store.undo(2)
    with pytest.raises(StaleError, match="entry 3 has taken it back already"):
        store.undo(2)
    store.remove_rule("a.com", "incident")
    with pytest.raises(StaleError):
        store.undo(2)
    with pytest.raises(StaleError, match="since: entry 4, remove by ann"):
        store.undo(1)
    assert patterns(store) == []
    store.undo(4)
    store.undo(1)
    assert patterns(store) == []


def test_an_undoing_is_refused_where_something_was_decided_meanwhile(store: BypassStore) -> None:
    store.add_rule(row("a.com"))
    store.add_rule(row("b.com"))
    there = store.placed()["a.com"]
    with pytest.raises(StaleError, match="decided meanwhile"):
        store.change("undo", "entry 1", [Change("a.com", there, None)], behind=1)
    store.change("undo", "entry 1", [Change("a.com", there, None)], behind=2)


def test_a_trial_is_approved_and_not_renewed(store: BypassStore) -> None:
    until = (NOW.replace(hour=13)).isoformat()
    trial = Placed(row("a.com"), "trial", until)
    store.change("trial", "a.com", [Change("a.com", None, trial)])
    with pytest.raises(ConfigError, match="is on trial"):
        store.renew_rule("a.com", date(2099, 1, 1))


def test_a_moment_in_no_zone_is_found_and_stops_nobody(store: BypassStore) -> None:
    store.add_rule(row("a.com"))
    query = "INSERT INTO rule (pattern, row, state, until) VALUES ('b.com', '{\"host\":\"b.com\"}', 'trial', '2099-01-01')"
    store._db.execute(query)
    store._db.commit()
    assert any("b.com" in fault for fault in audited(store, NOW).faults)
    with pytest.raises(StoreError, match="is no moment"):
        store.rules()


def test_a_change_is_made_only_where_the_rule_is_what_was_seen(store: BypassStore) -> None:
    store.add_rule(row("a.com"))
    seen = store.placed()["a.com"]
    other = Placed(row("a.com", ticket="CHG-1"))
    store.change("edit", "a.com", [Change("a.com", seen, other)])
    with pytest.raises(StaleError, match="ticket"):
        store.change("edit", "a.com", [Change("a.com", seen, None)])
    with pytest.raises(StaleError, match="is there already"):
        store.change("add", "a.com", [Change("a.com", None, seen)])
    with pytest.raises(StaleError, match="no longer there"):
        store.change("remove", "b.com", [Change("b.com", seen, None)])
    with pytest.raises(ConfigError, match="changes nothing"):
        store.change("edit", "a.com", [Change("a.com", other, other)])
    assert store.placed() == {"a.com": other}


def test_what_decided_nothing_about_rules_cannot_be_undone(store: BypassStore) -> None:
    store.note("recheck", "proxy", [])
    with pytest.raises(ConfigError, match="recheck is nothing that can be undone"):
        store.undo(1)
    with pytest.raises(ConfigError, match="no such entry"):
        store.undo(2)


def test_a_draft_is_not_in_force_until_another_person_approves_it(tmp_path: Path) -> None:
    path = tmp_path / "bypass.sqlite3"
    with BypassStore(path, lambda: NOW, "ann") as store:
        store.draft_rule(row("a.com"))
        assert store.rules() == []
        assert [one.state for one in store.rules(drafts=True)] == ["draft"]
        with pytest.raises(ConfigError, match="same person"):
            store.approve_draft("a.com", by_another=True)
    with BypassStore(path, lambda: NOW, "eve") as store:
        store.renew_rule("a.com", date(2054, 1, 1))
        with pytest.raises(ConfigError, match="same person"):
            store.approve_draft("a.com", by_another=True)
    with BypassStore(path, lambda: NOW, "bob") as store:
        store.approve_draft("a.com", by_another=True)
        assert [one.state for one in store.rules()] == ["approved"]
        assert [e.action for e in store.history("a.com")] == ["draft", "renew", "approve-draft"]
        assert audited(store, NOW).faults == ()


def test_the_history_of_a_host_has_every_rule_for_it(store: BypassStore) -> None:
    store.import_rules([row("a.com"), RuleRow(suffix="a.com", port=8443), row("b.com")], "list")
    store.renew_rule("a.com", date(2028, 1, 1))
    store.remove_rule("b.com")
    assert [e.action for e in store.history("a.com")] == ["import", "renew"]
    assert [e.action for e in store.history(".a.com:8443")] == ["import"]
    assert [e.action for e in store.history("b.com")] == ["import", "remove"]
    assert store.history("c.com") == []


HOSTS = st.sampled_from(("a.com", "b.com", "c.com"))
DEEDS = st.lists(st.tuples(st.sampled_from(("add", "remove", "renew", "expire", "import", "undo")), HOSTS), max_size=12)  # fmt: skip


@given(DEEDS)
@settings(max_examples=40, deadline=None)
def test_the_trail_always_leads_to_what_is_there_and_undoing_to_what_was(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("store") / "bypass.sqlite3"
    days = count(1)
    with BypassStore(path, lambda: NOW, "ann") as store:
        for deed, host in deeds:
            before, entries = store.placed(), len(list(store.audit()))
            try:
                if deed == "add":
                    store.add_rule(row(host))
                elif deed == "import":
                    store.import_rules([row(host), row("d.com")], "list")
                elif deed == "renew":
                    store.renew_rule(host, date.fromordinal(END.toordinal() + next(days)))
                elif deed == "undo":
                    store.undo(last(store))
                elif deed == "remove":
                    store.remove_rule(host)
                else:
                    store.expire_rule(host)
            except (ConfigError, IndexError):
                assert store.placed() == before
                continue
            assert replayed(store.audit()).rules == store.placed()
            if len(list(store.audit())) == entries:
                assert store.placed() == before
                continue
            found = undoing(list(store.audit()), last(store))
            undone = store.placed() | {c.pattern: c.after for c in found.changes}
            assert {p: one for p, one in undone.items() if one is not None} == before
            assert list(between(before, before)) == []
        assert audited(store, NOW).faults == ()
