"""Every regular expression that is asked of foreign text takes time by its length, whatever the text.

Each has worst inputs of its own, made from itself (tests/patterns/worst.py), at two sizes.
"""

from __future__ import annotations

import re

import pytest

from tests.patterns.inventory import Row, rows
from tests.patterns.measure import measured

ROWS = rows()


def test_every_room_that_reads_foreign_text_is_in_the_inventory() -> None:
    files = {row.name.partition(":")[0] for row in ROWS}
    for room in ("logs/programs/haproxy", "messages/target", "stores/nss", "wire/greeting",
                 "net/http_connect", "capture/preamble", "forensics/anonymous", "report/engine_text",
                 "knowledge/shipped", "chain/shape_rule"):  # fmt: skip
        assert f"detector/{room}.py" in files
    assert "addons/formats/mitmproxy.py" in files
    assert len(ROWS) > 250


@pytest.mark.parametrize("file", sorted({row.name.partition(":")[0] for row in ROWS}))
def test_no_input_makes_an_expression_slow(file: str) -> None:
    slow = [
        (row.name, row.way, found)
        for row in ROWS
        if row.name.startswith(f"{file}:") and not (found := measured(row)).is_linear
    ]
    assert slow == []


@pytest.mark.parametrize(
    "expression",
    [
        rb"(?P<peer>[0-9a-fA-F:.]+?)\]?:(?P<port>\d{1,5}) \[",  # many beginnings
        rb"\[pid (?P<key>[^\]]+)\].* SSL Library Error: (?P<reason>.*)",
        rb"error:.* at .* from ",  # many ends
        rb"^\s*(?:a+)+b",
        rb"(?=.*x)?.*y",
        rb"reason: \S+.*end$",
    ],
)
def test_an_expression_that_goes_back_is_found(expression: bytes) -> None:
    row = Row("planted", re.compile(expression), "search", 1 << 13, lines=True)
    assert not measured(row).is_linear
