"""What a user reads, and when he is left in peace; tests/live/test_agent_desktop.py has the real desktop."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from detector.agent.sinks import SinkError, Surroundings
from detector.agent.sinks.desktop import DesktopSink, Settings, worded
from detector.report.event_json import FindingKind
from tests.agent.told import AT, HOST, check, event, sanctioned


@pytest.mark.parametrize("kind", ["interception", "suspect", "trust", "sink"])
def test_every_kind_says_what_to_do(kind: FindingKind) -> None:
    words = worded(event(of=kind))
    assert HOST in words.body
    assert "IT department" in words.body or "tlsight check" in words.body
    assert len(words.title) < 60


def test_who_stands_in_between_is_named_as_people_know_it() -> None:
    assert "Zscaler" in worded(event(seen=check(product="Zscaler"))).body
    assert "Corp Gateway CA" in worded(event()).body


def test_names_of_strangers_are_text_and_nothing_else() -> None:
    foreign = "CN=<a href='http://x'>click</a>\n\x1b[31m" + "y" * 500
    body = worded(event(seen=check(issuer=foreign))).body
    assert "<a" not in body
    assert "\x1b" not in body
    assert "\n" not in body
    assert len(body) < 700


def sink(**settings: object) -> DesktopSink:
    around = Surroundings("d" * 32, Path("/nowhere"), lambda: AT, print)
    return DesktopSink(Settings(**settings), around, {})  # type: ignore[arg-type]


def test_without_a_desktop_what_is_to_be_told_waits() -> None:
    with pytest.raises(SinkError, match="nobody is logged in"):
        asyncio.run(sink().send([event()]))


def test_what_is_of_no_weight_allowed_old_or_never_shown_needs_no_desktop() -> None:
    heartbeat = replace(event("heartbeat"), finding=None)
    old = replace(event(), at=AT - timedelta(days=2))
    for one in (heartbeat, old, sanctioned(event()), event("closed")):
        asyncio.run(sink().send([one]))
    asyncio.run(sink(least="high").send([event(of="suspect")]))
