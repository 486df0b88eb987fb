"""An agent's message, held to what it has to be. Pure: bytes and the bus's own words in, a value out.

Rules
-----
1. The bus says who speaks: the server lets an agent publish under its own device id and no other. An event that names
   another device is forged, whatever else is in it.
2. The bus says when it was stored. An agent's own clock orders its own events and nothing else; it may not lie in the
   future, nor before what is kept: what does is taken to be of the nearest time that may be.
3. What is kept to be asked for (ids, names, hosts) is bounded here; what is shown is made harmless where it is shown.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

from addons.fleet.heard import Heard, hear
from detector.model.no_json import NO_JSON
from detector.report.event_json import FindingRecord

MAX_EVENT = 1 << 20  # NATS' own bound
_AHEAD = timedelta(minutes=5)
_HEX = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[0-9A-Za-z:_-]{1,128}")
_MOST_HOSTS, _LONGEST = 64, 512
_FINDING_KINDS = frozenset(("opened", "changed", "closed"))


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A good one.

    Attributes:
        event: what is read of it.
        body: as it came.
        at: when it happened, within bounds.
        received: when the bus stored it.

    """

    event: Heard
    body: str
    at: datetime
    received: datetime


class Refused(msgspec.Struct, frozen=True):
    """One that is none; `device` is the subject's, `why` one of a few texts of ours."""

    device: str
    why: str
    received: datetime


def take(subject: str, body: bytes, received: datetime, keep: timedelta) -> Taken | Refused:
    """What a message is.

    Args:
        subject: under which the bus took it.
        body: one event in JSON.
        received: aware UTC time at which the bus stored it.
        keep: how long events are kept.

    """
    device = subject.rpartition(".")[2]
    if not _HEX.fullmatch(device):
        return Refused("", "the subject names no device", received)
    if len(body) > MAX_EVENT:
        return Refused(device, "larger than an event may be", received)
    try:
        event = hear(body)
        text = body.decode()
    except NO_JSON:
        return Refused(device, "no event of schema tlsight.event/1", received)
    try:
        at = _bounded(event.at, received - keep, received + _AHEAD)
        why = _fault(event, device)
    except (OverflowError, TypeError):  # a time without a zone, or next to the calendar's end
        why = "a time that is none"
    return Refused(device, why, received) if why else Taken(event, text, at, received)


def _bounded(when: datetime, lowest: datetime, highest: datetime) -> datetime:
    """Raises TypeError for a time without a zone."""
    return min(max(when, lowest), highest)


def _fault(event: Heard, device: str) -> str:
    if event.device.id != device:
        return "it names another device than its sender"
    if not _HEX.fullmatch(event.id):
        return "an id that is none"
    finding = event.finding
    if (event.kind in _FINDING_KINDS) != (finding is not None):
        return f"{event.kind} without what it is about, or with what it is not"
    for kind, part in (("heartbeat", event.heartbeat), ("notice", event.notice)):
        if (event.kind == kind) != (part is not None):
            return f"{event.kind} without what it is about, or with what it is not"
    if event.network is not None and not _ID.fullmatch(event.network.id):
        return "a network that is none"
    if event.question is not None and not _ID.fullmatch(event.question):
        return "a question that is none"
    return _finding_fault(finding) if finding is not None else ""


def _finding_fault(finding: FindingRecord) -> str:
    if not _ID.fullmatch(finding.id):
        return "a finding's id that is none"
    if len(finding.hosts) > _MOST_HOSTS or any(len(one) > _LONGEST for one in finding.hosts):
        return "more hosts than a finding may have"
    if len(finding.subject) > _LONGEST * 4:
        return "a subject longer than one may be"
    if not 0 <= finding.host_count < 1 << 31:
        return "a count that is none"
    if finding.opened.tzinfo is None or finding.seen.tzinfo is None:
        return "a time that is none"
    return ""


def stamp(when: datetime) -> str:
    """As times are kept: UTC, whole seconds, Z."""
    if when.tzinfo is not UTC:
        when = when.astimezone(UTC)
    return when.isoformat()[:19] + "Z"
