"""Events as an agent makes them, of a chain that a lab's interceptor forged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from detector.model.observation import Handshake, Observation, Target
from detector.report.event_json import (
    EVENT_SCHEMA,
    DeviceRecord,
    EventKind,
    EventRecord,
    FindingKind,
    FindingRecord,
    HeartbeatRecord,
    NetworkRecord,
    NoticeCode,
    NoticeRecord,
    VersionsRecord,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
DEVICE = DeviceRecord("d" * 32, "laptop-7", "linux")
VERSIONS = VersionsRecord("1.2.3", "t" * 64)


def heartbeat(number: int) -> EventRecord:
    return _event(number, "heartbeat", heartbeat=HeartbeatRecord(up=60.0 * number, every=3600.0))


def notice(number: int, code: NoticeCode = "started", about: str = "") -> EventRecord:
    return _event(number, "notice", notice=NoticeRecord(code, f"what {code} means", about))


def finding(
    number: int,
    kind: EventKind = "opened",
    *,
    what: FindingKind = "interception",
    hosts: Sequence[str] = ("www.example.com:443",),
    padding: int = 0,
) -> EventRecord:
    """With the judged check, and with an observation that carries `padding` bytes more."""
    seen, check = _intercepted()
    return _event(
        number,
        kind,
        run="r" * 32,
        network=NetworkRecord("n" * 64, gateway="g" * 64),
        finding=FindingRecord(
            f"{number:032x}", what, "issuer:CN=Gateway", NOON, NOON, tuple(hosts), len(hosts)
        ),
        changes=("seen on another host",) if kind == "changed" else (),
        check=check,
        observation=Observation(
            seen.at, seen.target, handshake=seen.handshake, chain=seen.chain,
            client_bytes=bytes(padding),
        ),
    )  # fmt: skip


@cache
def _intercepted():  # type: ignore[no-untyped-def]
    # Loaded when it is asked for: processes that a test starts begin sooner.
    from detector.judging.judge import judge_all
    from detector.lab.pki import Authority, LabPki
    from detector.report.check_json import check_record

    pki = LabPki()
    gateway = Authority("Zscaler Root CA", organization="Zscaler Inc.", profile=False)
    leaf = gateway.issue("www.example.com")
    seen = Observation(
        NOON,
        Target("www.example.com", 443, ip="93.184.215.14", sni="www.example.com"),
        handshake=Handshake(True, "TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", "h2"),
        chain=leaf.chain,
    )
    return seen, check_record(judge_all([seen], pki.knowledge())[0])


def _event(number: int, kind: EventKind, **more: object) -> EventRecord:
    at = NOON + timedelta(seconds=number)
    return EventRecord(EVENT_SCHEMA, f"{number:032x}", kind, at, DEVICE, VERSIONS, **more)  # type: ignore[arg-type]
