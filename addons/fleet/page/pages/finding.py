"""One finding: what it rests on, in words; the chain; and what became of it."""

from __future__ import annotations

from addons.fleet.page.again import read_event
from addons.fleet.page.look import Look, found
from addons.review.visit import View, page_number


async def page(look: Look) -> View:
    fleet, device, id_ = look.fleet, look.id("device"), look.id("id")
    one = found(await fleet.finding(device, id_), id_, "finding")
    told = await fleet.event(one.event)
    event = read_event(told[1]) if told is not None else None
    labels = await fleet.labels([one.network])
    return View(
        "finding.html",
        {
            "one": one,
            "label": labels.get(one.network, ""),
            "told": told[0] if told is not None else None,
            "event": event,
            "check": event.check if event is not None else None,
            "seen_on": event.finding.hosts if event is not None and event.finding else (),
            "events": await fleet.events(one.device, one.id, page_number(look)),
        },
    )
