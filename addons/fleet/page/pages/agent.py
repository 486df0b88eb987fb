"""One agent: its last heartbeat, what it found, and all that it told."""

from __future__ import annotations

import msgspec

from addons.fleet.page.look import Look, found
from addons.fleet.told import GRACE
from addons.review.visit import View, page_number
from detector.model.no_json import NO_JSON
from detector.report.event_json import HeartbeatRecord

_HEARTBEAT = msgspec.json.Decoder(HeartbeatRecord)


async def page(look: Look) -> View:
    fleet, device = look.fleet, look.id("device")
    one = found(await fleet.agent(device), device, "agent")
    labels = await fleet.labels([one.network])
    beat = heartbeat(one.heartbeat)
    return View(
        "agent.html",
        {
            "one": one,
            "beat": beat,
            "share": 100 * beat.cpu / beat.every if beat is not None and beat.every > 0 else None,
            "label": labels.get(one.network, ""),
            "late": fleet.late,
            "grace": GRACE,
            "open": await fleet.findings(device=one.device, state="open"),
            "closed": await fleet.findings(device=one.device, state="closed", size=10),
            "events": await fleet.events(one.device, page=page_number(look)),
        },
    )


def heartbeat(body: str | None) -> HeartbeatRecord | None:
    """The last one; None where there was none, or this version cannot read it."""
    if body is None:
        return None
    try:
        return _HEARTBEAT.decode(body)
    except NO_JSON:
        return None
