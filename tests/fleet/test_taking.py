"""An agent's message, held to what it has to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from addons.fleet.heard import Heard
from addons.fleet.taking import MAX_EVENT, Refused, Taken, stamp, take
from detector.agent.subjects import event_subject
from detector.report.event_json import EventRecord, encode_event
from tests.fleet.telling import (
    DAY,
    MINUTE,
    START,
    event,
    finding,
    heartbeat,
    message,
    name,
    network,
    notice,
)

KEEP = 90 * DAY


def taken(one: EventRecord | tuple[str, bytes], received: datetime = START) -> Taken | Refused:
    subject, body = message(one) if isinstance(one, EventRecord) else one
    return take(subject, body, received, KEEP)


def changed(one: EventRecord, **more: Any) -> EventRecord:
    return msgspec.structs.replace(one, **more)


GOOD = finding(1, where=network("office"))


@pytest.mark.parametrize("one", [GOOD, heartbeat(1), notice(1, "started")])
def test_what_an_agent_says_of_itself_is_taken_as_it_came(one: EventRecord) -> None:
    found = taken(one)
    assert isinstance(found, Taken)
    assert found.event == msgspec.convert(msgspec.to_builtins(one), Heard)
    assert found.body.encode() == encode_event(one)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        ((event_subject(name("another")), encode_event(GOOD)), "another device"),
        (("tlsight.event.x", encode_event(GOOD)), "names no device"),
        (("tlsight.event." + "A" * 32, encode_event(GOOD)), "names no device"),
        ((event_subject(GOOD.device.id), b"{" * 5000), "no event"),
        ((event_subject(GOOD.device.id), b" " * (MAX_EVENT + 1)), "larger"),
        ((event_subject(GOOD.device.id), encode_event(GOOD).replace(b"event/1", b"event/9")), "no event"),
        (changed(GOOD, id="short"), "an id"),
        (changed(GOOD, finding=None), "without what it is about"),
        (changed(GOOD, kind="heartbeat"), "what it is not"),
        (event(1, "heartbeat"), "without what it is about"),
        (changed(GOOD, at=START.replace(tzinfo=None)), "a time"),
        (changed(GOOD, network=msgspec.structs.replace(network("x"), id="a b")), "a network"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_with_its_reason(
    one: EventRecord | tuple[str, bytes], why: str
) -> None:
    found = taken(one)
    assert isinstance(found, Refused)
    assert why in found.why


@pytest.mark.parametrize(
    "hosts",
    [("h:1",) * 65, ("h" * 600,)],
)
def test_a_findings_hosts_are_bounded(hosts: tuple[str, ...]) -> None:
    assert GOOD.finding is not None
    record = msgspec.structs.replace(GOOD.finding, hosts=hosts)
    assert isinstance(taken(changed(GOOD, finding=record)), Refused)


@pytest.mark.parametrize(
    ("at", "held"),
    [
        (START - MINUTE, START - MINUTE),
        (START + 4 * MINUTE, START + 4 * MINUTE),
        (START + DAY, START + 5 * MINUTE),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), START + 5 * MINUTE),
        (datetime(1, 1, 1, tzinfo=UTC), START - KEEP),
    ],
)
def test_an_agents_clock_is_held_near_to_the_buss(at: datetime, held: datetime) -> None:
    found = taken(changed(GOOD, at=at))
    assert isinstance(found, Taken)
    assert found.at == held


def test_times_are_kept_in_utc_and_whole_seconds() -> None:
    from datetime import timezone

    east = timezone(timedelta(hours=5, minutes=30))
    when = datetime(2026, 11, 2, 14, 30, 0, 999_999, tzinfo=east)
    assert stamp(when) == "2026-11-02T09:00:00Z"
