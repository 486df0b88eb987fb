"""The JSON contract of `check` and `judge`: schema tlsight.check/1, one object a line.

Names and meaning are fixed; fields may be added. docs/reference/check.schema.json is generated from
these types by `python -m detector.report.schema`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal

import msgspec

from detector.chain.certificate import read_certificate
from detector.errors import CertificateError
from detector.model.observation import (
    Cause,
    Dialled,
    Ending,
    Failure,
    Interceptor,
    Judgement,
    Observation,
    Party,
    Points,
    ProxyAnswer,
    Route,
    RouteKind,
    Spoke,
    Strength,
    VerdictName,
)


class TargetRecord(msgspec.Struct, frozen=True):
    host: str
    port: int
    ip: str | None
    sni: str | None
    starttls: str | None
    dialled: str | None = None


class RouteRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    kind: RouteKind
    proxy: str | None
    tls: bool = False
    named_by: str = ""
    tried: tuple[str, ...] = ()


class HandshakeRecord(msgspec.Struct, frozen=True):
    completed: bool
    version: str | None
    cipher: str | None
    group: str | None
    alpn: str | None
    ms: dict[str, float]


class CertificateRecord(msgspec.Struct, frozen=True):
    subject: str
    issuer: str
    sha256: str
    spki_sha256: str
    not_before: datetime
    not_after: datetime


class InterceptorRecord(msgspec.Struct, frozen=True):
    product: str | None
    engine: str | None
    category: str | None
    issuer: str
    issuer_spki_sha256: str | None


class EvidenceRecord(msgspec.Struct, frozen=True):
    id: str
    points: Points
    strength: Strength
    text: str
    details: dict[str, Any]


class CauseRecord(msgspec.Struct, frozen=True):
    id: str
    party: Party
    severity: Literal["error", "warning", "note"]
    text: str


class AlertRecord(msgspec.Struct, frozen=True):
    sender: Literal["client", "server"]
    code: int
    name: str
    fatal: bool


class ErrorRecord(msgspec.Struct, frozen=True):
    """Why no handshake was completed; `spoke` is what came instead of TLS, `proxy` what its way failed by."""

    step: str
    cause: str
    text: str
    spoke: Spoke | None = None
    how: Ending | None = None
    dialled: Dialled = "server"
    proxy: ProxyAnswer | None = None


class CheckRecord(msgspec.Struct, frozen=True):
    """One judged target."""

    schema: Literal["tlsight.check/1"]
    at: datetime
    target: TargetRecord
    route: RouteRecord
    handshake: HandshakeRecord | None
    chain: list[CertificateRecord]
    verdict: VerdictName
    summary: str
    decided_by: str
    sanctioned: bool
    interceptor: InterceptorRecord | None
    evidence: list[EvidenceRecord]
    causes: list[CauseRecord]
    alerts: list[AlertRecord]
    ocsp_stapled: bool
    ms: dict[str, float]
    error: ErrorRecord | None
    explanation: str = ""
    next_step: str = ""


_ENCODER = msgspec.json.Encoder()


def encode(judgement: Judgement) -> bytes:
    """One line of JSON without its end."""
    return _ENCODER.encode(check_record(judgement))


def check_record(judgement: Judgement) -> CheckRecord:
    seen = judgement.observation
    target = seen.target
    return CheckRecord(
        schema="tlsight.check/1",
        at=seen.at,
        target=TargetRecord(
            target.host, target.port, target.ip, target.sni, target.starttls, target.dialled
        ),
        route=route_record(seen.route),
        handshake=_handshake(seen),
        chain=[certificate_record(der) for der in seen.chain],
        verdict=judgement.verdict,
        summary=judgement.summary,
        decided_by=judgement.decided_by,
        sanctioned=judgement.sanctioned,
        interceptor=interceptor_record(judgement.interceptor),
        evidence=[
            EvidenceRecord(e.id, e.points, e.strength, e.text, e.details)
            for e in judgement.evidence
        ],
        causes=cause_records(judgement.causes),
        alerts=[AlertRecord(a.sender, a.code, a.name, a.fatal) for a in seen.alerts],
        ocsp_stapled=seen.ocsp is not None,
        ms=seen.ms,
        error=_error(seen.failure),
        explanation=judgement.explanation,
        next_step=judgement.next_step,
    )


def _error(failure: Failure | None) -> ErrorRecord | None:
    if failure is None:
        return None
    return ErrorRecord(
        failure.step, failure.cause, failure.text, failure.spoke, failure.how, failure.dialled,
        failure.proxy,
    )  # fmt: skip


def route_record(route: Route) -> RouteRecord:
    return RouteRecord(route.kind, route.proxy, route.tls, route.named_by, route.tried)


def _handshake(seen: Observation) -> HandshakeRecord | None:
    done = seen.handshake
    if done is None:
        return None
    return HandshakeRecord(
        done.completed, done.version, done.cipher, done.group, done.alpn, seen.ms
    )


def cause_records(causes: Iterable[Cause]) -> list[CauseRecord]:
    return [CauseRecord(c.id, c.party, c.severity, c.text) for c in causes]


def interceptor_record(who: Interceptor | None) -> InterceptorRecord | None:
    if who is None:
        return None
    return InterceptorRecord(
        who.product, who.engine, who.category, who.issuer, who.issuer_spki_sha256
    )


@lru_cache(maxsize=512)
def certificate_record(der: bytes) -> CertificateRecord:
    """One certificate (DER); what cannot be read is said in the subject."""
    try:
        read = read_certificate(der)
    except CertificateError as error:
        never = datetime(1, 1, 1, tzinfo=UTC)
        return CertificateRecord(
            f"unreadable: {error}", "", sha256(der).hexdigest(), "", never, never
        )
    return CertificateRecord(
        read.subject_text,
        read.issuer_text,
        read.sha256,
        read.spki_sha256,
        read.not_before,
        read.not_after,
    )
