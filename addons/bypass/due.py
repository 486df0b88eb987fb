"""The life of a rule: draft, on trial, approved, expiring, ended; which rules end when, and when that is told.

Rules
-----
1. A draft is not in force; a trial ends by itself; what a person approved goes on to its end, or for ever. What ends
   within SOON days is expiring.
2. Days are counted by the calendar in UTC, from today to the last day on which a rule is in force. The day before
   the last one is one day before.
3. Everybody is told at the same THRESHOLDS: lint, the page, metrics and the proxy's log. Who made a rule for a week
   knows that it ends in a week: a threshold that the whole life of a rule lies within is not told.
4. A trial is nobody's to renew, and a draft has no effect that ends: neither is ever due.
5. What ended within the time asked for is still due: somebody may be looking for what broke.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

import msgspec

from addons.bypass.expression import fault
from addons.bypass.reach import end_moment, has_ended
from addons.bypass.rule import Rule, said

Stage = Literal["draft", "trial", "approved", "expiring", "ended"]
SOON = 14
# Days before the end at which it is told.
THRESHOLDS = (14, 3, 1)
_MEANS = {
    "pass": "its hosts are inspected from then on",
    "inspect": "what it keeps inspected may pass by another rule from then on",
    "block": "what it blocks may be reached from then on",
}


class Kept(Protocol):
    """A rule as the store has it."""

    @property
    def rule(self) -> Rule: ...
    @property
    def state(self) -> str: ...
    @property
    def until(self) -> datetime | None: ...


class Life(msgspec.Struct, frozen=True):
    """Where a rule is in its life.

    Attributes:
        ends: the moment, in UTC, from which it is no longer in force; None for never.
        days: whole days from today to its last day, below zero where that has passed; None for no end.
        idle: why it is not in force although it has not ended, None where it is.

    """

    stage: Stage
    ends: datetime | None = None
    days: int | None = None
    idle: str | None = None


class Due(msgspec.Struct, frozen=True):
    """A rule whose end is near, or just behind.

    Attributes:
        means: what happens then.
        act: who must do something, and what.

    """

    rule: Rule
    life: Life
    last_day: date
    means: str
    act: str


def life(stored: Kept, now: datetime) -> Life:
    """Where a rule is in its life at a moment in UTC."""
    rule, until = stored.rule, stored.until
    end, last = end_moment(rule), last_day(rule)
    if stored.state == "trial" and until is not None and (end is None or until < end):
        end, last = until, _day_before(until)
    days = (last - now.date()).days if last is not None else None
    if has_ended(rule, now) or (end is not None and end <= now):
        return Life("ended", end, days)
    if stored.state == "draft":
        return Life("draft", end, days, "a person has to approve it")
    why = fault(rule.regex) if rule.regex is not None else None
    if stored.state == "trial":
        return Life("trial", end, days, why)
    near = days is not None and days <= SOON
    return Life("expiring" if near else "approved", end, days, why)


def last_day(rule: Rule) -> date | None:
    """The last on which it is in force, if only for a part of it; None for a rule without end."""
    end = rule.expires
    return _day_before(end) if isinstance(end, datetime) else end


def due(kept: Iterable[Kept], now: datetime, within: timedelta = timedelta(days=SOON)) -> list[Due]:
    """Approved rules that end within a time from now, or ended as long ago at most; the earliest first."""
    found: list[Due] = []
    for one in kept:
        there, last = life(one, now), last_day(one.rule)
        if one.state != "approved" or last is None or there.days is None:
            continue
        if abs(there.days) <= within.days:
            found.append(Due(one.rule, there, last, _MEANS[one.rule.action], _act(one.rule, there)))
    return sorted(found, key=lambda one: (one.last_day, one.rule.pattern))


def when(found: Life) -> str:
    """Its end in words, as a person counts days; empty for none."""
    days = found.days
    if days is None:
        return ""
    if found.stage == "ended":
        return "ended today" if days >= 0 else f"ended {_days(-days)} ago"
    return "ends today" if days == 0 else f"ends in {_days(days)}"


def until_in_words(stored: Kept, found: Life) -> str:
    """Its stage and its end as a list shows them."""
    end = stored.rule.until
    if found.stage == "trial":
        return f"trial until {said(found.ends)}" if found.ends is not None else "trial"
    if not end:
        return "draft" if found.stage == "draft" else "without end"
    if found.stage == "expiring":
        return f"until {end}, {when(found)}"
    return {"ended": f"ended {end}", "draft": f"draft until {end}"}.get(found.stage, f"until {end}")


def threshold(rule: Rule, now: datetime) -> int | None:
    """The nearest of THRESHOLDS that a rule has come to; None where there is nothing to tell."""
    last = last_day(rule)
    if last is None or has_ended(rule, now):
        return None
    days = (last - now.date()).days
    lived = (last - rule.created).days if rule.created is not None else None
    met = [one for one in THRESHOLDS if days <= one and (lived is None or lived > one)]
    return min(met, default=None)


def ending(rule: Rule, now: datetime) -> str | None:
    """What lint says of a rule that ends soon."""
    last = last_day(rule)
    if last is None or threshold(rule, now) is None:
        return None
    days = (last - now.date()).days
    near = "today" if days == 0 else f"in {_days(days)}"
    return f"It ends {near}, on {rule.until}: {_MEANS[rule.action]}."


def stages(kept: Iterable[Kept], now: datetime) -> Counter[Stage]:
    """How many rules are in each stage."""
    return Counter(life(one, now).stage for one in kept)


def nearing(kept: Iterable[Kept], now: datetime) -> dict[int, int]:
    """For metrics: how many approved rules end within so many days, for each of THRESHOLDS."""
    left = [
        there.days
        for one in kept
        if one.state == "approved" and (there := life(one, now)).stage == "expiring"
    ]
    return {days: sum(one is not None and one <= days for one in left) for days in THRESHOLDS}


def _act(rule: Rule, there: Life) -> str:
    who = rule.owner or "nobody owns it: an approver"
    if there.stage == "ended":
        return f"{who}: remove it, or renew it where it is missed"
    return f"{who}: renew it, or let it end"


def _day_before(end: datetime) -> date:
    """The day of the last second before a moment."""
    return (end - timedelta(seconds=1)).date()


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"
