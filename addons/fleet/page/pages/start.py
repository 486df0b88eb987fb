"""Who stands between the laptops and the internet now, where, and what changed."""

from __future__ import annotations

from datetime import timedelta

from addons.fleet.conditions import stamp
from addons.fleet.page.look import Look
from addons.fleet.page.pages.interceptor import known_of
from addons.fleet.told import GRACE
from addons.review.visit import View

_SHOWN, _PLACES = 12, 3


async def page(look: Look) -> View:
    """Counts, who intercepts, what many agents together show, and a day's changes."""
    fleet, since = look.fleet, stamp(look.now - timedelta(days=1))
    standing = await fleet.standing(size=_SHOWN)
    unheard = await look.unheard()
    latest = await fleet.findings(since=since, size=10)
    return View(
        "start.html",
        {
            "counts": await fleet.counts(),
            "unheard": None if unheard is None else len(unheard),
            "standing": standing,
            "rows": [await known_of(fleet, one, _PLACES) for one in standing.rows],
            "correlations": await fleet.correlations(size=6),
            "changes": await fleet.changes(since),
            "latest": latest.rows,
            "since": since,
            "grace": GRACE,
        },
    )
