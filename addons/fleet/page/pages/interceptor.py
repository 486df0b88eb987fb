"""Somebody who intercepts: who, where, on whose laptops, and the policy's lines that would allow it."""

from __future__ import annotations

from typing import NamedTuple

from addons.fleet.page.look import Look, found
from addons.fleet.page.policy_lines import policy_lines
from addons.fleet.queries import FleetQueries
from addons.fleet.query_rows import Place, Standing, Who
from addons.review.visit import View, page_number

_PLACES, _HOSTS = 10, 12


class Known(NamedTuple):
    """A subject with what a row says of it; `total` networks, of which the first are here."""

    standing: Standing
    who: Who
    places: list[Place]
    total: int


async def known_of(fleet: FleetQueries, standing: Standing, most: int) -> Known:
    """A row of a list of them."""
    who = await fleet.who(standing.subject) or Who("", "", "", "", "")
    places, total = await fleet.places(standing.subject, most)
    return Known(standing, who, places, total)


async def every(look: Look) -> View:
    """All of them, those that no policy allows first."""
    standing = await look.fleet.standing(page_number(look), 20)
    rows = [await known_of(look.fleet, one, 1) for one in standing.rows]
    return View("interceptors.html", {"standing": standing, "rows": rows})


async def page(look: Look) -> View:
    """Also of one that is gone: its history is."""
    fleet, subject = look.fleet, look.query("subject")
    who = found(await fleet.who(subject), subject, "interceptor")
    places, networks = await fleet.places(subject, _PLACES)
    hosts = await fleet.hosts_of(subject, _HOSTS)
    state = look.query("state")
    return View(
        "interceptor.html",
        {
            "subject": subject,
            "who": who,
            "standing": await fleet.standing_of(subject),
            "places": places,
            "networks": networks,
            "hosts": hosts,
            "policy": policy_lines(who, [host for host, _ in hosts], look.now.date()),
            "correlations": await fleet.correlations(subject=subject, size=10),
            "findings": await fleet.findings(
                subject=subject,
                state="closed" if state == "closed" else "open",
                page=page_number(look),
            ),
            "state": "closed" if state == "closed" else "",
        },
    )
