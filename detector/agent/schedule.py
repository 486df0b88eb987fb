"""When the next run is due. Pure: every time here is seconds since boot, sleep included, and chance is an argument.

Rules
-----
1. At its very first start a device waits for its own share of the period, told by its id: five thousand that are
   installed at once come one after the other. Later runs come after the period, a tenth more or less by chance.
2. After a restart the run that was planned stays planned. One that is overdue is made within two minutes; one that
   lies further away than a whole period, because the clock was set, is drawn near.
3. What changes (network, resume, trust store, proxy) asks for a run soon: a few seconds after the last of several
   changes, never sooner than a minute after the last run, and at most six times an hour.
4. Offline or behind a portal the next try comes after 1, 2, 4, ... minutes, up to the period.
5. Who logs in at a portal does so within the hour. One that stays is asked through once an hour as if it were none: an
   interceptor that plays one would not be looked at for ever.
6. What a finding's absence asks for is a run after five minutes: twice absent, it closes.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import msgspec

_SPREAD = 0.1
_OVERDUE = 120.0
_DEBOUNCE = 5.0
_AT_LAST = 30.0
_GAP = 60.0
_HOUR = 3600.0
_CHANGES_AN_HOUR = 6
_DOUBT = 300.0
_FIRST_RETRY = 60.0
# Clocks are corrected by little all the time; this is a jump.
JUMP = 120.0


class Schedule(msgspec.Struct, frozen=True):
    """What is planned.

    Attributes:
        every: the period in seconds.
        due: when the next run is.
        last: when the last one began; None before it.
        failed: tries in a row that met no network.
        hurried: the first of the changes that brought the next run forward; None where none did.
        changes: when runs were made that changes had brought forward, within the last hour.

    """

    every: float
    due: float
    last: float | None = None
    failed: int = 0
    hurried: float | None = None
    changes: tuple[float, ...] = ()


def began(
    every: float, planned: datetime | None, now: datetime, at: float, device: str, chance: float
) -> Schedule:
    """The schedule of an agent that starts; `planned` is what the state says. `chance` is 0 to 1."""
    if planned is None:
        return Schedule(every, at + every * share_of(device))
    wait = (planned - now).total_seconds()
    if wait <= 0:
        return Schedule(every, at + chance * min(_OVERDUE, every * _SPREAD))
    return Schedule(every, at + min(wait, every * (1 + _SPREAD)))


def ran(plan: Schedule, at: float, chance: float, *, doubt: bool = False) -> Schedule:
    """After a run that began at `at`. `doubt`: something that stood was not seen."""
    due = at + plan.every * (1 - _SPREAD + 2 * _SPREAD * chance)
    if doubt:
        due = min(due, at + _DOUBT * (0.9 + 0.2 * chance))
    return msgspec.structs.replace(_made(plan, at), due=due, last=at, failed=0)


def no_network(plan: Schedule, at: float, chance: float) -> Schedule:
    """After a try that met none, or a portal."""
    wait = min(plan.every, _FIRST_RETRY * 2 ** min(plan.failed, 16))
    due = at + wait * (0.75 + chance / 4)
    return msgspec.structs.replace(_made(plan, at), due=due, last=at, failed=plan.failed + 1)


def portal(since: float | None, at: float, *, captive: bool) -> tuple[float | None, bool]:
    """Since when a portal stands in the way, and whether to wait for the log-in and ask nothing now."""
    if not captive:
        return None, False
    if since is None:
        return at, True
    return (since, True) if at - since < _HOUR else (at, False)


def _made(plan: Schedule, at: float) -> Schedule:
    """After a run, whatever it came to."""
    if plan.hurried is None:
        return plan
    return msgspec.structs.replace(plan, hurried=None, changes=(*plan.changes, at))


def changed(plan: Schedule, at: float) -> Schedule:
    """Something changed just now."""
    first = at if plan.hurried is None else plan.hurried
    soon = min(at + _DEBOUNCE, first + _AT_LAST)
    if plan.last is not None:
        soon = max(soon, plan.last + _GAP)
    recent = tuple(one for one in plan.changes if at - one < _HOUR)
    if len(recent) >= _CHANGES_AN_HOUR:
        soon = max(soon, recent[-_CHANGES_AN_HOUR] + _HOUR)
    if plan.hurried is None and plan.due <= soon:
        return msgspec.structs.replace(plan, changes=recent)
    return msgspec.structs.replace(plan, due=soon, failed=0, hurried=first, changes=recent)


def with_period(plan: Schedule, every: float, at: float) -> Schedule:
    """With another period; a run that is further away than that is drawn near."""
    return msgspec.structs.replace(plan, every=every, due=min(plan.due, at + every))


def stretched(plan: Schedule, factor: float, at: float, longest: float = math.inf) -> Schedule:
    """Over budget: the next run comes `factor` times as late, but no more than `longest` seconds later."""
    wait = max(0.0, plan.due - at)
    return msgspec.structs.replace(plan, due=at + min(wait * factor, wait + longest))


def share_of(device: str) -> float:
    """A device's own share of the period, 0 to 1, from its id (hex)."""
    return int(device[:8], 16) / 0x1_0000_0000


def planned_for(plan: Schedule, now: datetime, at: float) -> datetime:
    """The next run by the clock on the wall."""
    return now + timedelta(seconds=max(0.0, plan.due - at))


def jump(before: tuple[datetime, float], now: datetime, at: float) -> float | None:
    """By how many seconds the clock was set since `before` (the time, and seconds since boot); None: it was not."""
    then, since = before
    off = (now - then).total_seconds() - (at - since)
    return off if abs(off) > JUMP else None
