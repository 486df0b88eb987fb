"""The JSON contract of `agent status`: schema tlsight.agent/1, one object."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detector.report.event_json import FindingRecord, MoodWord, NetworkRecord, SinkRecord


class StandingRecord(msgspec.Struct, frozen=True):
    """A finding that is open.

    Attributes:
        here: it holds on this network, or on this machine wherever it is.
        by: who intercepts, as far as it is known; of a root, what is said of it.

    """

    finding: FindingRecord
    here: bool
    sanctioned: bool
    by: str


class UseRecord(msgspec.Struct, frozen=True):
    """What the agent has cost since `since`, a day ago at most, and what it may cost a day.

    Attributes:
        cpu: seconds of processor time.
        traffic: bytes, both ways.

    """

    since: datetime
    cpu: float
    cpu_allowed: float
    traffic: int
    traffic_allowed: int


class AgentStatusRecord(msgspec.Struct, frozen=True):
    """How an agent fares.

    Attributes:
        running: it runs now.
        device: its id.
        settings: the file that counts, None where there is none.
        network: where it was at its last run.
        last_run, next_run: by the clock on the wall; None before the first.
        lists: serial of each signed list in force, by name.
        lost: events that were given up for want of room.
        mood: how open the way out is; in "captive", "offline" and "blocked" no finding says nothing.
        mood_since: since when.

    """

    at: datetime
    running: bool
    device: str
    settings: str | None
    network: NetworkRecord | None
    last_run: datetime | None
    next_run: datetime | None
    findings: tuple[StandingRecord, ...]
    sinks: tuple[SinkRecord, ...]
    use: UseRecord | None
    lists: dict[str, int]
    lost: int = 0
    mood: MoodWord = ""
    mood_since: datetime | None = None
    schema: Literal["tlsight.agent/1"] = "tlsight.agent/1"
