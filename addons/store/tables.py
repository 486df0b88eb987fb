"""The tables of rules and candidates as the audit trail sees them, and as it takes them over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from addons.bypass.change import PART, lean
from addons.bypass.ledger import Placed
from addons.bypass.rule import RuleRow, kept_rule
from detector.errors import TargetError

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
