"""What logs tell, for a program: schema tlsight.logs/1, one object a group."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from detector.logs.ledger import Group
from detector.logs.story import LogStory

_NAMES = 20


class LogsRecord(msgspec.Struct, frozen=True):
    """Failures of one kind.

    Attributes:
        clients: how many; `at_least` where more came than were counted.
        alert: the most frequent alert's description.
        upstream: the program was the client.
        since: a change that came just before the first of them.

    """

    schema: Literal["tlsight.logs/1"]
    program: str
    cause: str
    complainant: Literal["client", "server"] | None
    events: int
    clients: int
    at_least: bool
    names: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    noise: bool
    upstream: bool
    alert: int | None
    sample: str
    networks: dict[str, int]
    since: str | None = None
    hint: str | None = None


class BlindRecord(msgspec.Struct, frozen=True):
    """What the log cannot show, and the line that would show it."""

    schema: Literal["tlsight.logs-blind/1"]
    program: str
    text: str
    directive: str
    certain: bool


def log_records(story: LogStory) -> list[LogsRecord | BlindRecord]:
    """The groups in order, then what stays hidden."""
    spots = (
        BlindRecord("tlsight.logs-blind/1", spot.program, spot.text, spot.directive, spot.certain)
        for spot in story.blind
    )
    return [*(_group(group, story) for group in story.groups), *spots]


def _group(group: Group, story: LogStory) -> LogsRecord:
    onset, hint = story.onset_of(group), story.hint_of(group)
    alert = group.alerts.most_common(1)
    return LogsRecord(
        schema="tlsight.logs/1",
        program=group.program,
        cause=group.cause,
        complainant=group.complainant,
        events=group.events,
        clients=len(group.clients),
        at_least=group.many,
        names=tuple(name for name, _ in group.names.most_common(_NAMES)),
        first=_time(group.first),
        last=_time(group.last),
        noise=group.noise,
        upstream=group.upstream,
        alert=alert[0][0] if alert else None,
        sample=group.sample,
        networks=dict(group.networks.most_common(10)),
        since=onset.change if onset is not None else None,
        hint=hint.text if hint is not None else None,
    )


def _time(seconds: float | None) -> datetime | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
