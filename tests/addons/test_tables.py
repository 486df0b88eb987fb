"""The tables as the trail takes them over: all of them, in parts, and told when a row means something else."""

from __future__ import annotations

from datetime import date

import msgspec

from addons.bypass.ledger import Placed
from addons.bypass.rule import RuleRow
from addons.store.tables import PART, lean, parts_of, table_of


def test_a_row_that_means_nothing_or_another_pattern_is_none() -> None:
    rows = {
        "a.com": '{"host":"a.com"}',
        "b.com": '{"host":"x.com"}',
        "c.com": "{",
        "d.com": '{"host":"a b"}',
    }
    found = table_of([(name, row, "approved", None) for name, row in rows.items()])
    assert found == {
        "a.com": Placed(RuleRow(host="a.com")),
        "b.com": None,
        "c.com": None,
        "d.com": None,
    }
    assert table_of([("a.com", rows["a.com"], "trial", "soon")]) == {"a.com": None}


def test_all_of_it_is_in_the_parts() -> None:
    rules = {f"h{n}": Placed(RuleRow(host=f"h{n}")) for n in range(PART + 1)}
    parts = list(parts_of(rules, {"a": "pending"}))
    assert [(one["part"], one["parts"]) for one in parts] == [(1, 2), (2, 2)]
    assert [len(one["rows"]) for one in parts] == [PART, 1]  # type: ignore[arg-type]
    assert [one["candidates"] for one in parts] == [{"a": "pending"}, {}]
    assert len(list(parts_of({}, {}))) == 1


def test_a_lean_row_is_the_same_row() -> None:
    for row in (
        RuleRow(host="a.com"),
        RuleRow(suffix="b.com", port=1, action="block", reason="r", expires=date(2027, 1, 1)),
    ):
        assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(lean(row))), RuleRow) == row
    assert lean(RuleRow(host="a.com")) == {"host": "a.com"}
