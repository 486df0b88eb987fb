"""What needs somebody now, the most urgent first."""

from __future__ import annotations

from datetime import timedelta

from addons.bypass.beside import warnings
from addons.bypass.feed import remarks
from addons.review.badges import OF_PARTY
from addons.review.pages.candidates import row
from addons.review.pages.rules import stage
from addons.review.visit import View, Visit
from addons.store.joined import STALE
from addons.store.listing import Wanted

_FEW = 8
# How long a name that was not bound is news, and a proxy that is gone is missed.
_LATELY = timedelta(days=7)


def page(visit: Visit) -> View:
    """Sections that are empty are not shown."""
    store, now = visit.store, visit.now
    waiting = store.candidates("pending")
    rules = store.listing.overview(_FEW, 3)
    trials = store.listing.page(Wanted(life="trial", order="pattern", size=_FEW))
    drafts = store.listing.page(Wanted(life="draft", order="made", size=_FEW))
    unbound = [one for one in store.unbound.counts(50) if now - one.last <= _LATELY]
    known = store.proxies.all()
    alive = [one for one in known if one.is_fresh(now)]
    # One that was started again has another row and the same place.
    places = {(one.host, one.beside.ways) for one in alive}
    gone = [
        one for one in known
        if not one.is_fresh(now) and (one.host, one.beside.ways) not in places
    ]  # fmt: skip
    return View(
        "start.html",
        {
            "candidates": [row(visit, one) for one in waiting[:_FEW]],
            "waiting": len(waiting),
            "soon": rules.soon,
            "expiring": rules.counts["expiring"],
            "trials": trials.rules,
            "drafts": drafts.rules,
            "drafted": drafts.total,
            "ended": [(one, stage(visit, one)) for one in rules.ended],
            "unbound": unbound[:_FEW],
            "unbounds": len(unbound),
            "alive": [(one, list(warnings(one.beside))) for one in alive],
            "gone": gone,
            "gateways": [*store.gateways.known().values()],
            "silent": now - STALE,
            "counts": rules.counts,
            "breaking": [(one, OF_PARTY[one.party]) for one in store.episodes.opened()],
            "doubts": list(remarks(store.feeds.all(), now)),
            "passed": store.traffic.days(visit.day(0)),
        },
    )
