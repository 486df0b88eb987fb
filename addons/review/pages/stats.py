"""How much is not inspected, by day; which hosts pass most; what the attempts were."""

from __future__ import annotations

from markupsafe import Markup

from addons.bypass.attempt import REMEDIES
from addons.review import charts
from addons.review.badges import OF_CLASS
from addons.review.visit import View, Visit


def page(visit: Visit) -> View:
    """Sixty days of shares, thirty of hosts."""
    traffic = visit.store.traffic
    alive = visit.store.proxies.alive(visit.now)
    days = traffic.days(visit.day(60))
    share = [(d.day, d.passed / max(d.passed + d.inspected, 1)) for d in days]
    label = "Share of connections that were not inspected, by day"
    totals = [(kind, n, REMEDIES[kind], OF_CLASS[kind]) for kind, n in traffic.totals().items()]
    return View(
        "stats.html",
        {
            "days": days[::-1],
            "plot": Markup(charts.shares(share, label)),  # noqa: S704 (escaped there)
            "totals": totals,
            "passing": [(proxy, one) for proxy in alive for one in proxy.passing.largest],
            "open": sum(proxy.passing.count for proxy in alive),
            "top": traffic.top(visit.day(30)),
        },
    )
