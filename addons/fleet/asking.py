"""Asking some agents about a host: who is asked, and what they answer."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from addons.fleet import lists
from detector.agent import subjects
from detector.agent.questions import Question
from detector.model.no_json import NO_JSON
from detector.report.event_json import EventRecord, decode_event

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from detector.net.nats_link import NatsLink

_AT_ONCE = 200
# An agent whose heartbeat is this many times overdue is not asked.
_OVERDUE = 2.5


async def chosen(
    link: NatsLink, devices: Sequence[str], wanted: int, network: str | None, now: datetime
) -> list[str]:
    """Of these devices some that were heard of lately, by chance. Raises FetchError."""
    left = list(devices)
    random.shuffle(left)
    found: list[str] = []
    while left and len(found) < wanted:
        some, left = left[:_AT_ONCE], left[_AT_ONCE:]
        states = await asyncio.gather(*(link.last(subjects.STATE, one) for one in some))
        found += [
            device
            for device, state in zip(some, states, strict=True)
            if state is not None and _is_here(state[0], network, now)
        ]
    return found[:wanted]


async def answers(
    link: NatsLink,
    devices: Sequence[str],
    question: Question,
    signer: str,
    now: datetime,
    wait: float,
) -> list[EventRecord]:
    """Ask, and hear until all have answered or nobody waits any more. Raises FetchError."""
    found: dict[str, EventRecord] = {}
    done = asyncio.Event()

    async def take(message: Msg) -> None:
        try:
            event = decode_event(message.data)
        except NO_JSON:
            return
        device = message.subject.rpartition(".")[2]
        if event.question == question.id and event.device.id == device:
            found[device] = event
            if len(found) >= len(devices):
                done.set()

    for device in devices:
        await link.client.subscribe(subjects.event_subject(device), cb=take)
    await link.client.flush()
    if await lists.ask(link, devices, question, signer, now):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), wait)
    return list(found.values())


def _is_here(state: bytes, network: str | None, now: datetime) -> bool:
    """Pure: whether the agent of this heartbeat is there now, as far as one can say, and in that network."""
    try:
        event = decode_event(state)
    except NO_JSON:
        return False
    if event.heartbeat is None:
        return False
    if network is not None and (event.network is None or event.network.id != network):
        return False
    return now - event.at <= timedelta(seconds=max(60.0, event.heartbeat.every * _OVERDUE))
