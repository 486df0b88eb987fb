"""The rules as `tlsight bypass list` prints them: a table on a terminal, and else a line for each, for other programs.

What tells rules apart is never cut, see detector/report/layout.py; of a narrow terminal the figures are left out first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from addons.bypass.shown import shown
from detector.report.layout import Cell, Column, Fitted

_COLUMNS = (
    Column("action", kind="figure"), Column("rule", kind="name"), Column("end"),
    Column("used", right=True, kind="figure", minor=2), Column("bytes", right=True, kind="figure", minor=3),
    Column("owner: reason", minor=1),
)  # fmt: skip


class Listed(msgspec.Struct, frozen=True):
    """One rule.

    Attributes:
        pattern: what it is for.
        until: its stage and its end in words.
        used: connections that it decided.
        size: bytes of them, both ways.
        about: whose it is, and why.
        idle: why it is not in force, empty where it is.

    """

    action: str
    pattern: str
    until: str
    used: int
    size: int
    about: str
    idle: str = ""


def table(rules: Sequence[Listed]) -> Fitted:
    """For a terminal."""
    rows: list[tuple[Cell, ...]] = []
    beneath: dict[int, Cell] = {}
    for number, one in enumerate(rules):
        texts = (
            one.action, one.pattern, one.until, f"{one.used:,}", f"{one.size:,}", one.about,
        )  # fmt: skip
        style = "dim" if one.idle or one.until.startswith(("ended", "draft")) else ""
        rows.append(tuple((shown(text), style) for text in texts))
        if one.idle:
            beneath[number] = (shown(one.idle), "yellow")
    return Fitted(_COLUMNS, rows, beneath)


def lines(rules: Sequence[Listed]) -> Iterator[str]:
    """For a file or a program: each rule in one line, as long as it is."""
    for one in rules:
        used = f"{one.used} used, {one.size:,} bytes"
        yield f"{one.action:8} {one.pattern:40} {one.until:18} {used:28} {one.about}"
        if one.idle:
            yield f"         {one.idle}"
