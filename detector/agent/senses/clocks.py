"""Whether the machine slept, and whether somebody set its clock. Pure: clocks are values.

A machine that sleeps goes on counting seconds since its start, and stops counting those it was awake. A system that counts
no such thing (Windows) is told by a look that comes far too late.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

# Seconds. A clock that is set by less changes no verdict: leaf certificates and proofs are judged by minutes.
ASLEEP, LATE, JUMPED = 2.0, 60.0, 60.0
Kind = Literal["resume", "clock"]


class Clocks(NamedTuple):
    """One look.

    Attributes:
        wall: the time of day.
        since_boot: seconds, with those asleep.
        awake: seconds without them.
        counts_sleep: whether the system tells these two apart.

    """

    wall: datetime
    since_boot: float
    awake: float
    counts_sleep: bool = True


def between(before: Clocks, after: Clocks, expected: float) -> tuple[tuple[Kind, str], ...]:
    """What happened between two looks, at most `expected` seconds apart while awake, and how far it went."""
    found: list[tuple[Kind, str]] = []
    went = after.since_boot - before.since_boot
    slept = went - (after.awake - before.awake)
    if slept > ASLEEP:
        found.append(("resume", f"slept {slept:.0f} s"))
    elif not after.counts_sleep and went - expected > LATE:
        found.append(("resume", f"nothing ran for {went - expected:.0f} s"))
    jumped = (after.wall - before.wall).total_seconds() - went
    if abs(jumped) > JUMPED:
        found.append(("clock", f"set by {jumped:+.0f} s"))
    return tuple(found)
