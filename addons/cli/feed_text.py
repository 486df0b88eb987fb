"""Feeds and their changes in words, and for programs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from addons.cli import given

if TYPE_CHECKING:
    from addons.bypass.feed import Difference, Edition, Feed
    from addons.bypass.rule import RuleRow


def state(one: Feed, now: datetime) -> str:
    """In a few words."""
    from addons.bypass.feed import is_stale

    parts = []
    if one.accepted is not None:
        when = one.confirmed or one.accepted.fetched
        parts.append(f"{one.accepted.count} rules in force, confirmed {when:%Y-%m-%d}")
        if is_stale(one, now):
            ended = one.settings.when_stale == "end"
            parts.append("STALE, its rules have ended" if ended else "STALE")
    else:
        parts.append("nothing in force")
    if one.waiting is not None:
        parts.append(f"{one.waiting.count} rules wait")
    if one.trouble:
        parts.append("the last update failed")
    return "; ".join(parts)


def show_edition(what: str, edition: Edition) -> None:
    """Which list it is, and what of it became no rule."""
    from addons.bypass.feed import said

    given.say(f"  {what}: {edition.count} rules, {said(edition)}")
    if edition.signed is not None:
        given.say(f"    signed: {edition.signed}")
    for one in edition.left:
        given.say(f"    left out {one.entry}: {one.why}")
    if edition.more_left:
        given.say(f"    and {edition.more_left} more")


def tell_change(change: Difference, most: int | None) -> None:
    """Rule by rule, and counted; at most so many lines."""
    marks = (("+", change.added), ("-", change.removed), ("!", change.changed))
    lines = [_line(mark, row) for mark, rows in marks for row in rows]
    for line in lines[:most]:
        given.say(line)
    if most is not None and len(lines) > most:
        given.say(f"and {len(lines) - most} more: --all")
    counts = change.counts
    given.say(f"{counts['added']} new, {counts['removed']} gone, {counts['changed']} changed")


def _line(mark: str, row: RuleRow) -> str:
    from addons.bypass.rule import kept_rule

    return f"{mark} {row.action:8} {kept_rule(row).pattern:44} {row.reason}".rstrip()


def fields(value: object) -> dict[str, object]:
    """A value for JSON."""
    import msgspec

    found = msgspec.to_builtins(value)
    assert isinstance(found, dict)
    found.pop("group", None)
    return found


def record(name: str, one: Feed, now: datetime) -> dict[str, object]:
    """For programs: a URL without its query."""
    from addons.bypass.feed import is_stale, shown_source

    return {
        "name": name, **fields(one), "source": shown_source(one.settings), "stale": is_stale(one, now),
        "settings": {**fields(one.settings), "source": shown_source(one.settings)},
    }  # fmt: skip
