"""Squid's three steps: which ssl_bump lines decide, in the order in which it comes to them."""

from __future__ import annotations

import msgspec

from addons.formats.covered import Covered
from addons.formats.exported import Unread
from addons.formats.pairs import sound
from addons.formats.settling import Line, Named

ONWARD = ("peek", "stare")


class Bump(msgspec.Struct, frozen=True):
    """An ssl_bump line."""

    action: str
    steps: frozenset[int]
    line: Line


def in_steps(bumps: list[Bump]) -> tuple[list[Line], list[Unread]]:
    """The lines that decide, in the order in which Squid comes to them, and what it never comes to."""
    found: list[Line] = []
    unread: list[Unread] = []
    only: list[Named] | None = None  # names that come to this step; None for all
    stared = False
    reached: set[int] = set()
    done: set[int] = set()  # asked about every name
    for step in (1, 2, 3):
        onward: list[Named] = []
        everyone = False
        for number, one in enumerate(bumps):
            if step not in one.steps:
                continue
            if one.action in ONWARD:
                if step == 3:
                    continue
                # It may be in doubt whether it is one; then nothing is spliced, but nothing comes on by it.
                stared = stared or (step == 2 and one.action == "stare")
                if one.line.doubt:
                    continue
                if one.line.any_host:
                    everyone = True
                    break
                onward += one.line.named
                continue
            reached.add(number)
            if number in done:
                continue
            if one.line.action == "pass" and step == 3 and stared:
                why = "never spliced: it was stared at before"
                unread.append(Unread(one.line.line, one.line.text[:100], why, one.line.file))
                continue
            line = _among(one.line, only, unread)
            if only is None:
                done.add(number)
            found.append(msgspec.structs.replace(line, spared=(*line.spared, *onward)))
        if not everyone and not onward:
            break
        if not everyone:
            only = _narrowed(onward, only)
    if not any(one.action == "stare" for one in bumps):
        # Squid's own end: "become a TCP tunnel without decrypting".
        all_of = [one.line for one in bumps if one.line.any_host]
        ends = any(one.action == "pass" for one in all_of)
        spares = [] if ends else [one for one in all_of if one.spared and not one.doubt]
        found += [msgspec.structs.replace(one, action="pass", spared=()) for one in spares[:1]]
    for number, one in enumerate(bumps):
        if number not in reached and one.line.action == "pass" and one.action not in ONWARD:
            why = "Squid never comes to it"
            unread.append(Unread(one.line.line, one.line.text[:100], why, one.line.file))
    return found, unread


def _among(line: Line, only: list[Named] | None, unread: list[Unread]) -> Line:
    """The line as it is at a step to which some names come alone."""
    if only is None:
        return line
    if line.any_host:
        return msgspec.structs.replace(line, named=tuple(only), any_host=False)
    if line.action != "pass":
        return line
    kept = _narrowed(list(line.named), only)
    for one in line.named:
        if one not in kept:
            why = "no peek brings it to the step where it would be spliced"
            unread.append(Unread(one.line, one.text[:100], why, one.file))
    return msgspec.structs.replace(line, named=tuple(kept))


def _narrowed(named: list[Named], only: list[Named] | None) -> list[Named]:
    """Those that are among others, as far as that can be told."""
    if only is None:
        return named
    there = Covered(rule for one in only if not one.why and (rule := sound(one.row)) is not None)
    return [
        one
        for one in named
        if one.why or ((rule := sound(one.row)) is not None and there.covers(rule))
    ]
