"""Which events a sink gets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from detector.agent.sinks import KINDS, RefusedError
from detector.agent.sinks.choice import Choice, chosen, wanted
from detector.report.event_json import EventRecord
from tests.agent.sample_events import finding, heartbeat, notice


class Receiver:
    def __init__(self) -> None:
        self.seen: list[int] = []
        self.refuses: tuple[int, ...] = ()

    async def send(self, events: Sequence[EventRecord]) -> None:
        if self.refuses:
            raise RefusedError("no", self.refuses)
        self.seen += [int(event.id, 16) for event in events]

    async def close(self) -> None:
        self.seen.append(-1)


EVENTS = (heartbeat(1), finding(2), notice(3), finding(4, what="suspect"), finding(5, "closed"))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"only": ("opened", "closed")}, [2, 4, 5]),
        ({"least": "medium"}, [2, 4, 5]),
        ({"least": "high"}, [2, 5]),
        ({"only": ("heartbeat",), "least": "high"}, []),
    ],
)
def test_kinds_and_severity_choose(settings: dict[str, object], expected: list[int]) -> None:
    choice = msgspec.convert(settings, Choice)
    inner = Receiver()
    sink = chosen(choice, inner)
    asyncio.run(sink.send(EVENTS))
    asyncio.run(sink.close())
    assert inner.seen == [*expected, -1]
    assert [int(one.id, 16) for one in EVENTS if wanted(choice, one)] == expected


def test_what_is_refused_is_named_by_its_place_in_the_whole_batch() -> None:
    inner = Receiver()
    inner.refuses = (0, 2, 99)
    with pytest.raises(RefusedError) as caught:
        asyncio.run(chosen(Choice(only=("opened", "closed")), inner).send(EVENTS))
    assert caught.value.places == (1, 4)


def test_an_unknown_kind_of_event_or_key_is_refused() -> None:
    for settings in ({"only": ["exploded"]}, {"least": "huge"}, {"onyl": []}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(settings, Choice)


@pytest.mark.parametrize("kind", ["file", "stdout", "syslog", "journald", "http"])
def test_the_sinks_of_this_house_all_take_the_choice(kind: str) -> None:
    import importlib

    module = importlib.import_module(KINDS[kind])
    assert issubclass(module.Settings, Choice)
    fields = msgspec.structs.fields(module.Settings)
    assert all("_" not in field.encode_name for field in fields)
