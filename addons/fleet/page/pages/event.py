"""One event, and what was seen: judged once more, and to take away."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from addons.fleet.page.again import read_event
from addons.fleet.page.look import Look, found
from addons.fleet.query_rows import EventRow
from addons.review.visit import View
from detector.errors import ConfigError
from detector.report.event_json import EventRecord
from detector.runs.saved import encode_observation


async def page(look: Look) -> View:
    row, event = await _event(look)
    seen = event.observation if event is not None else None
    again = await run_in_threadpool(look.judge.again, seen) if seen is not None else None
    agent = await look.fleet.agent(row.device)
    return View(
        "event.html",
        {
            "row": row,
            "event": event,
            "agent": agent.name if agent is not None else "",
            "check": event.check if event is not None else None,
            "again": again,
        },
    )


async def observation(look: Look) -> Response:
    """What `tlsight judge` takes."""
    row, event = await _event(look)
    if event is None or event.observation is None:
        raise ConfigError(row.id, "this event has no observation")
    return Response(
        encode_observation(event.observation) + b"\n",
        media_type="application/x-ndjson",
        headers={
            "content-disposition": f'attachment; filename="observation-{look.id("id")}.ndjson"'
        },
    )


async def _event(look: Look) -> tuple[EventRow, EventRecord | None]:
    id_ = look.id("id")
    row, body = found(await look.fleet.event(id_), id_, "event")
    return row, read_event(body)
