"""One box for agents, hosts, and networks."""

from __future__ import annotations

from addons.fleet.page.look import Look
from addons.fleet.told import GRACE
from addons.review.visit import View


async def page(look: Look) -> View:
    """A few of each; its list has all."""
    text, fleet = look.query("q", 200), look.fleet
    if not text:
        return View("search.html", {"q": ""})
    agents = await fleet.agents(text=text)
    networks = await fleet.networks(text)
    return View(
        "search.html",
        {
            "q": text,
            "agents": agents,
            "networks": networks,
            "subjects": await fleet.named(text, 10),
            "findings": await fleet.findings(host=text, size=10),
            "late": fleet.late,
            "grace": GRACE,
        },
    )
