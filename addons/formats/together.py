"""Conditions that hold together: names of one list, ports, clients and addresses of others, as one row each."""

from __future__ import annotations

import msgspec

from addons.bypass.reach import covers
from addons.bypass.rule import RuleRow
from addons.formats.pairs import sound
from addons.formats.settling import Named

MOST_ROWS = 200_000


def together(lists: list[list[Named]]) -> tuple[tuple[Named, ...], str]:
    """What all of several lists name: conditions added to names. With the reason where no rule says it."""
    if not lists:
        return (), ""
    found = lists[0]
    for other in lists[1:]:
        if len(found) * len(other) > MOST_ROWS:
            return (*found,), "too many pairs of two lists"
        made = [_both(one, two) for one in found for two in other]
        found = [one for one in made if one is not None]
    return tuple(found), ""


def _both(one: Named, two: Named) -> Named | None:
    if one.why or two.why:
        return msgspec.structs.replace(one, why=one.why or two.why)
    fields: dict[str, object] = {}
    for name in ("host", "suffix", "wildcard", "cidr", "regex", "port", "client"):
        first, second = getattr(one.row, name), getattr(two.row, name)
        if name == "host":
            first, second = (None if v == "*" else v for v in (first, second))
        if first is not None and second is not None and first != second:
            if name == "port":
                return None  # holds for nothing
            return msgspec.structs.replace(one, why=f"asks for two of a kind ({name}) at once")
        fields[name] = first if first is not None else second
    places = [k for k in ("host", "suffix", "wildcard", "cidr", "regex") if fields[k] is not None]
    if len(places) > 1:
        if "host" in places and "cidr" not in places and _within(one.row, two.row):
            return one if one.row.host not in (None, "*") else two
        return msgspec.structs.replace(
            one, why="asks for a name by two lists at once, and a rule has one"
        )
    if not places and fields["port"] is not None:
        fields["host"] = "*"
    main = two if places and getattr(one.row, places[0]) in (None, "*") else one
    return msgspec.structs.replace(main, row=RuleRow(**fields))  # type: ignore[arg-type]


def _within(one: RuleRow, two: RuleRow) -> bool:
    first, second = sound(one), sound(two)
    return (
        first is not None
        and second is not None
        and (covers(first, second) or covers(second, first))
    )
