"""What the keeper does in the bucket of `bypass sync` for the centre: say which names are there, take one away.

The centre cannot ask JetStream's own interface: its account has none (addons.fleet.rights). What it may ask for here
concerns that bucket alone, so it needs no right that could be turned upon anything else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from addons.fleet import bus
from addons.fleet.rights import is_from_outside
from addons.sync.nats_shelf import ShelfReply, ShelfRequest
from detector.agent import subjects
from detector.errors import FetchError
from detector.model.no_json import NO_JSON

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from detector.net.nats_link import NatsLink

_STREAM = f"KV_{subjects.SYNC}"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}(?:\.[A-Za-z0-9_-]{1,80}){0,7}")
_MAX_REQUEST = 2048


async def listen(link: NatsLink) -> None:
    """From now on, for as long as the connection lasts. Raises FetchError."""

    async def take(message: Msg) -> None:
        if is_from_outside(message.reply):
            await message.respond(msgspec.json.encode(await answer(link, message.data)))

    await link.hear(subjects.SHELF, take)


async def answer(link: NatsLink, data: bytes) -> ShelfReply:
    """To one request."""
    try:
        request = msgspec.json.decode(data[: _MAX_REQUEST + 1], type=ShelfRequest)
    except NO_JSON:
        return ShelfReply(error="the request is damaged, or of another tlsight")
    if not _KEY.fullmatch(request.key):
        return ShelfReply(error="that is no key")
    subject = subjects.key_subject(subjects.SYNC, request.key)
    try:
        if request.verb == "list":
            return ShelfReply(await _below(link, subject))
        for one in (subject, f"{subject}.>"):
            await bus.api(link, f"STREAM.PURGE.{_STREAM}", {"filter": one})
    except FetchError as error:
        return ShelfReply(error=error.message)
    return ShelfReply()


async def _below(link: NatsLink, subject: str) -> tuple[str, ...]:
    info = await bus.api(link, f"STREAM.INFO.{_STREAM}", {"subjects_filter": f"{subject}.*"})
    state = info.get("state")
    found = state.get("subjects") if isinstance(state, dict) else None
    start = len(subjects.key_subject(subjects.SYNC, ""))
    return tuple(str(one)[start:] for one in found or {})
