"""Candidates: what waits for a decision, and what was decided."""

from __future__ import annotations

from datetime import timedelta

from markupsafe import Markup

from addons.review import charts
from addons.review.badges import OF_CANDIDATE
from addons.review.visit import View, Visit, page_number
from addons.store.stored import StoredCandidate

SIZE = 50


def page(visit: Visit) -> View:
    """Those that wait, the latest first; and those that were decided."""
    known = visit.store.candidates()
    text = visit.query("q").lower()
    if text:
        known = [one for one in known if text in one.candidate.host.lower()]
    waiting = [one for one in known if one.state == "pending"]
    decided = [one for one in known if one.state != "pending"]
    at = page_number(visit)
    return View(
        "candidates.html",
        {
            "rows": [row(visit, one) for one in waiting[(at - 1) * SIZE : at * SIZE]],
            "total": len(waiting),
            "decided": decided[:SIZE],
            "more_decided": max(0, len(decided) - SIZE),
            "page": at,
            "pages": max(1, -(-len(waiting) // SIZE)),
            "q": visit.query("q"),
        },
    )


def row(visit: Visit, one: StoredCandidate) -> dict[str, object]:
    """A candidate as a list shows it."""
    return {
        "one": one,
        "badge": OF_CANDIDATE[one.candidate.kind],
        "spark": _spark(visit, one.candidate.host),
    }


def _spark(visit: Visit, host: str) -> Markup:
    days = visit.store.traffic.classes(host, visit.day(30))
    today = visit.now.date()
    names = [(today - timedelta(days=n)).isoformat() for n in range(29, -1, -1)]
    values = [
        sum(n for kind, n in days.get(day, {}).items() if kind not in ("trusted", "not-http"))
        for day in names
    ]
    return Markup(charts.sparkline(values, f"Failures on {host} in 30 days"))  # noqa: S704 (escaped there)
