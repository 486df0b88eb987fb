"""Events as agents tell them, for the tests of what is kept of a fleet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from detector.agent.subjects import event_subject
from detector.lab.pki import Authority
from detector.model.observation import Handshake, Observation, Target
from detector.report.check_json import (
    CertificateRecord,
    CheckRecord,
    EvidenceRecord,
    InterceptorRecord,
    RouteRecord,
    TargetRecord,
)
from detector.report.event_json import (
    DeviceRecord,
    EventRecord,
    FindingRecord,
    HeartbeatRecord,
    NetworkRecord,
    NoticeRecord,
    VersionsRecord,
    encode_event,
)

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def name(word: object) -> str:
    """32 hex digits that are the same for the same word."""
    return sha256(str(word).encode()).hexdigest()[:32]


def network(word: object, **more: str) -> NetworkRecord:
    return NetworkRecord(name(f"network {word}"), **{"gateway": name(f"gateway {word}"), **more})


def check(
    host: str = "intranet.example.com",
    *,
    verdict: Any = "intercepted",
    product: str | None = None,
    category: str | None = None,
    issuer: str = "CN=Gateway CA",
    key: str = "key",
    spares: bool = False,
    until: datetime | None = None,
) -> CheckRecord:
    spki = key_digest(key)
    ends = until or START + timedelta(days=3650)
    chain = [
        CertificateRecord(f"CN={host}", issuer, "1" * 64, "2" * 64, START, START + 90 * DAY),
        CertificateRecord(issuer, issuer, "3" * 64, spki, ends - 3650 * DAY, ends),
    ]
    clean = [EvidenceRecord("canaries-clean", "neutral", "weak", "", {"hosts": []})]
    return CheckRecord(
        "tlsight.check/1", START, TargetRecord(host, 443, "192.0.2.1", host, None),
        RouteRecord("direct", None), None, chain, verdict, "", "", False,
        InterceptorRecord(product, None, category, issuer, spki), clean if spares else [], [], [], False, {}, None,
    )  # fmt: skip


def event(
    device: object,
    kind: Any = "heartbeat",
    at: datetime = START,
    *,
    where: NetworkRecord | None = None,
    **more: Any,
) -> EventRecord:
    who = name(f"device {device}")
    return EventRecord(
        "tlsight.event/1", name(f"event {device} {kind} {at} {more.get('finding')}"), kind, at,
        DeviceRecord(who, f"laptop-{device}", "linux"), VersionsRecord("1.0", "t1"), network=where, **more,
    )  # fmt: skip


def finding(
    device: object,
    kind: Any = "opened",
    at: datetime = START,
    *,
    where: NetworkRecord | None = None,
    host: str = "www.google.com",
    key: str = "key",
    opened: datetime | None = None,
    sanctioned: bool = False,
    bare: bool = False,
    proved: bool = True,
    **judged: Any,
) -> EventRecord:
    """An interception that opens, changes or closes; `bare` leaves out all that was seen, without `proved` the observation."""
    subject = "spki:" + key_digest(key)
    place = where.id if where is not None else ""
    record = FindingRecord(
        name(f"{device} {place} {subject}"),
        "interception",
        subject,
        opened or at,
        at,
        (f"{host}:443",),
        1,
    )
    shown = None if bare else check(host, key=key, **judged)
    seen = observation(host, key) if proved and not bare else None
    return event(
        device, kind, at, where=where, finding=record, check=shown, observation=seen, sanctioned=sanctioned
    )  # fmt: skip


@cache
def authority(key: str) -> Authority:
    """The CA that has this key."""
    assert key
    return Authority("FGT60FTK20012345", organization="Fortinet", profile=False, now=START)


@cache
def key_digest(key: str) -> str:
    return sha256(authority(key).spki).hexdigest()


@cache
def observation(host: str, key: str) -> Observation:
    """What really is seen behind that CA; its name is a known gateway's, so one handshake proves it."""
    ca = authority(key)
    return Observation(
        at=START, target=Target(host, ip="192.0.2.1", sni=host), chain=(ca.issue(host).der, ca.der),
        handshake=Handshake(True, "TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519", "h2"),
    )  # fmt: skip


def heartbeat(
    device: object, at: datetime = START, *, where: NetworkRecord | None = None, **more: Any
) -> EventRecord:
    beat = HeartbeatRecord(**{"up": 60.0, "every": 900.0, "checked": 12, **more})
    return event(device, "heartbeat", at, where=where, heartbeat=beat)


def notice(device: object, code: Any, at: datetime = START) -> EventRecord:
    return event(device, "notice", at, notice=NoticeRecord(code, code))


def message(one: EventRecord) -> tuple[str, bytes]:
    """As the bus carries it."""
    return event_subject(one.device.id), encode_event(one)
