"""What the collector reads of an event: a view of EventRecord with what is kept to be asked for.

The rest is kept as it came, and who reads it reads all of it (read_event of addons.fleet.page.again): most of an event is its
certificates and its observation, and to make values of them that nobody looks at costs more than all the rest. What is
left out here has to be JSON, and no more; what is named is held to the same types. Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detector.model.observation import VerdictName
from detector.report.check_json import InterceptorRecord
from detector.report.event_json import (
    DeviceRecord,
    EventKind,
    FindingRecord,
    HeartbeatRecord,
    NetworkRecord,
    NoticeRecord,
    VersionsRecord,
)


class HeardTarget(msgspec.Struct, frozen=True, gc=False):
    host: str


class HeardCertificate(msgspec.Struct, frozen=True, gc=False):
    spki_sha256: str
    not_before: datetime
    not_after: datetime


class HeardEvidence(msgspec.Struct, frozen=True, gc=False):
    id: str


class HeardCheck(msgspec.Struct, frozen=True, gc=False):
    """Of CheckRecord."""

    target: HeardTarget
    chain: list[HeardCertificate]
    verdict: VerdictName
    interceptor: InterceptorRecord | None
    evidence: list[HeardEvidence]


class Heard(msgspec.Struct, frozen=True, gc=False):
    """Of EventRecord; see there."""

    schema: Literal["tlsight.event/1"]
    id: str
    kind: EventKind
    at: datetime
    device: DeviceRecord
    versions: VersionsRecord
    network: NetworkRecord | None = None
    finding: FindingRecord | None = None
    sanctioned: bool = False
    check: HeardCheck | None = None
    heartbeat: HeartbeatRecord | None = None
    notice: NoticeRecord | None = None
    question: str | None = None


_DECODER = msgspec.json.Decoder(Heard)


def hear(line: bytes) -> Heard:
    """One event. Raises what is in detector.model.no_json.NO_JSON."""
    return _DECODER.decode(line)
