"""Networks in which agents were, those where somebody intercepts first."""

from __future__ import annotations

from addons.fleet.page.look import Look
from addons.review.visit import View, page_number


async def page(look: Look) -> View:
    text = look.query("q", 200)
    return View(
        "networks.html", {"found": await look.fleet.networks(text, page_number(look)), "q": text}
    )
