"""Targets that ask their rules in order, the first that holds deciding: all that names can say, they can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple

from msgspec.structs import replace

from addons.bypass.reach import covers, in_force, overlap
from addons.bypass.rule import Rule
from addons.formats.exceptions import Exceptions
from addons.formats.exported import Refused, Speech, speak, why_not

Decision = tuple[Literal["pass", "inspect"], list[str]]


class Decided(NamedTuple):
    """What to do for which entries, on a port or on any."""

    action: Literal["pass", "inspect"]
    entries: list[str]
    port: int | None
    rule: Rule


def decisions(
    rules: Iterable[Rule], now: datetime, speech: Speech
) -> tuple[list[Decision], tuple[Refused, ...]]:
    """What to do for which entries, in order, where the target knows no ports."""
    said, refused = decided(rules, now, speech)
    return [(one.action, one.entries) for one in said], refused


def decided(
    rules: Iterable[Rule], now: datetime, speech: Speech, *, ports: bool = False
) -> tuple[list[Decided], tuple[Refused, ...]]:
    """What to do for which entries, in order.

    A rule that cannot be said as narrowly as it is, and does not pass, inspects: what it keeps back must not
    pass by a wider one. Where it cannot be said at all, the wider ones are left out; where it leaves nothing of
    one that passes, that one is.
    """
    said: list[Decided] = []
    refused: list[Refused] = []
    before, unsaid = Exceptions(), Exceptions()
    for rule in in_force(rules, now):
        entries = speak(rule, speech)
        why = why_not(rule, ports=ports) or (entries if isinstance(entries, str) else None)
        if rule.action == "pass":
            met = before.meeting(rule)
            if why is None and any(covers(one, rule) for one in met):
                continue  # it decides nothing
            why = why or kept_back(rule, met, unsaid.meeting(rule), ports=ports)
        if why is not None:
            refused.append(Refused(rule, why))
        if rule.action != "pass":
            before.add(rule)
            if isinstance(entries, str):
                unsaid.add(rule)  # names are looked at before addresses
        if not isinstance(entries, str) and (why is None or rule.action != "pass"):
            action: Literal["pass", "inspect"] = "pass" if rule.action == "pass" else "inspect"
            said.append(Decided(action, entries, rule.port if ports else None, rule))
    return said, tuple(refused)


def kept_back(rule: Rule, met: list[Rule], unsaid: list[Rule], *, ports: bool) -> str | None:
    """Why nothing of a rule passes, or more than it means would; None where it can stand behind its exceptions.

    Args:
        rule: one that passes.
        met: rules before it that do not pass; the target says them for every client.
        unsaid: those of them that it does not say at all.
        ports: it says them for their ports.

    """
    for other in unsaid:
        if overlap(rule, other):
            return f"the list cannot say that {other.pattern} says {other.action}"
    for other in met:
        wide = replace(other, client=None, ja4=None, port=other.port if ports else None)
        if wide != other and covers(wide, rule):
            return f"the list says of all that {other.pattern} says {other.action}"
    return None


def runs(
    said: Iterable[Decided],
) -> Iterator[tuple[Literal["pass", "inspect"], int | None, list[str]]]:
    """Decisions that stand behind each other and do the same on the same port, as one; an entry that is decided
    is not said again.
    """
    there: set[tuple[str, int | None]] = set()
    for (action, port), group in groupby(said, key=lambda one: (one.action, one.port)):
        entries = dict.fromkeys(entry for one in group for entry in one.entries)
        fresh = [one for one in entries if not {(one, None), (one, port)} & there]
        there.update((one, port) for one in fresh)
        yield action, port, fresh
