"""What the trail says about a rule or a host, without reading all of it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from addons.store.past import MAX_DETAILS

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW, "ann") as opened:
        yield opened


def test_a_rule_is_found_by_its_pattern_and_in_lists(store: BypassStore) -> None:
    rows = [RuleRow(host=f"h{n}.example", reason='a "reason"') for n in range(200)]
    store.import_rules(rows, "a list")
    store.remove_rule("h7.example")
    found = store.past.about(["h7.example"])
    assert [one.action for one in found] == ["remove", "import"]
    assert all(len(one.details) <= MAX_DETAILS for one in found)
    assert [one.cut for one in found] == [False, True]
    assert [one.action for one in store.past.about(["h8.example"])] == ["import"]
    assert store.past.about(["8.example", "reason", "%"]) == []


def test_entries_are_searched_and_paged_the_latest_first(store: BypassStore) -> None:
    for n in range(7):
        store.add_rule(RuleRow(host=f"h{n}.example", reason='"quoted"', owner="Grüße\\x"))
    first, total = store.past.page("", 1, 5)
    assert ([one.number for one in first], total) == ([7, 6, 5, 4, 3], 7)
    assert [one.number for one in store.past.page("", 2, 5)[0]] == [2, 1]
    for text, count in (
        ("H3", 1),
        ("ANN", 7),
        ("add", 7),
        ('"quoted"', 7),
        ("Grüße\\x", 7),
        ("%", 0),
    ):
        assert store.past.page(text, 1, 5)[1] == count, text
    assert store.past.last() == 7
    assert store.past.digest() == [*store.audit()][-1].digest


def test_an_empty_trail_is_empty(store: BypassStore) -> None:
    assert (store.past.last(), store.past.digest(), store.past.page("", 1, 5)) == (0, "", ([], 0))
