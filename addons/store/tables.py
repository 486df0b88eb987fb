"""The tables of rules and candidates as the audit trail sees them, and as it takes them over."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from addons.bypass.change import PART, Change, expect, lean
from addons.bypass.ledger import Placed
from addons.bypass.rule import RuleRow, kept_rule
from detector.errors import StoreError, TargetError

_NO_FEEDS: Mapping[str, str] = {}


def table_of(rows: Iterable[tuple[str, str, str, str | None]]) -> dict[str, Placed | None]:
    """Pattern, row, state and end of each rule, by pattern; None where the row says something else."""
    decoder = msgspec.json.Decoder(RuleRow)
    found: dict[str, Placed | None] = {}
    for pattern, text, state, until in rows:
        try:
            row = decoder.decode(text)
            zoned = until is None or datetime.fromisoformat(until).tzinfo is not None
            same = zoned and kept_rule(row).pattern == pattern
        except (msgspec.MsgspecError, ValueError, TargetError):
            same = False
        found[pattern] = Placed(row, state, until) if same else None
    return found


def make(db: sqlite3.Connection, changes: Sequence[Change]) -> None:
    """Make them all, inside a transaction. Raises StaleError where a rule is not what its change says that it was."""
    query = "SELECT pattern, row, state, until FROM rule WHERE pattern = ?"
    for one in changes:
        row = db.execute(query, (one.pattern,)).fetchone()
        # The same text needs no reading: a proxy waits for the file meanwhile.
        if one.before is None or row != columns(one.pattern, one.before):
            there = None if row is None else table_of([row])[one.pattern] or Placed(None)
            expect(one, there)
    gone = ((one.pattern,) for one in changes if one.after is None)
    db.executemany("DELETE FROM rule WHERE pattern = ?", gone)
    after = ((one.pattern, one.after) for one in changes)
    db.executemany(
        "INSERT INTO rule (pattern, row, state, until) VALUES (?, ?, ?, ?) ON CONFLICT (pattern)"
        " DO UPDATE SET row = excluded.row, state = excluded.state, until = excluded.until",
        (columns(pattern, one) for pattern, one in after if one is not None),
    )


def columns(pattern: str, one: Placed) -> tuple[str, str, str, str | None]:
    """A rule as the table has it."""
    return pattern, msgspec.json.encode(known_row(one)).decode(), one.state, one.until


def known_row(one: Placed) -> RuleRow:
    """Its row. Raises StoreError for a rule of which an import of old did not say it."""
    if one.row is None:
        raise StoreError("bypass store", "a rule that nobody knows")
    return one.row


def parts_of(
    rules: Mapping[str, Placed | None],
    candidates: Mapping[str, str],
    feeds: Mapping[str, str] = _NO_FEEDS,
) -> Iterator[dict[str, object]]:
    """All of it as the details of entries that take it over."""
    placed = [
        {"row": lean(one.row), "state": one.state, "until": one.until}
        for one in rules.values()
        if one is not None and one.row is not None
    ]
    states = list(candidates.items())
    parts = max(1, -(-max(len(placed), len(states)) // PART))
    for part in range(parts):
        here = slice(part * PART, (part + 1) * PART)
        known = {"rows": placed[here], "candidates": dict(states[here])}
        also = {"feeds": dict(feeds)} if part == 0 and feeds else {}
        yield {"part": part + 1, "parts": parts, **known, **also}
