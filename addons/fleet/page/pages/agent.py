"""One agent: its last heartbeat, what it found, and all that it told."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from addons.fleet.mood import MOODS
from addons.fleet.page.look import Look, found
from addons.fleet.told import GRACE
from addons.review.visit import View, page_number
from detector.model.no_json import NO_JSON
from detector.report.event_json import HeartbeatRecord

_HEARTBEAT = msgspec.json.Decoder(HeartbeatRecord)
_MANY, _YEARS = 1_000_000_000, 10 * 366 * 86_400


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
            "moods": MOODS,
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
        return _sane(_HEARTBEAT.decode(body))
    except NO_JSON:
        return None


def _sane(beat: HeartbeatRecord) -> HeartbeatRecord:
    """Its numbers within what a machine can have, whatever an agent says."""

    def within(number: float, most: int) -> int:
        return int(min(max(number, 0), most))

    return replace(
        beat,
        up=within(beat.up, _YEARS), every=within(beat.every, _YEARS), checked=within(beat.checked, _MANY),
        inconclusive=within(beat.inconclusive, _MANY), cpu=min(max(beat.cpu, 0.0), _YEARS),
        sent=within(beat.sent, 1 << 40), memory=within(beat.memory, 1 << 40), lost=within(beat.lost, _MANY),
        sinks=tuple(replace(one, waiting=within(one.waiting, _MANY)) for one in beat.sinks),
        lists={name: within(serial, 1 << 53) for name, serial in beat.lists.items()},
    )  # fmt: skip
