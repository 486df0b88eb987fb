"""Events to hand around: what one interceptor on a host of the user's makes the agent tell."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from detector.model.observation import Observation, Target
from detector.report.check_json import (
    CauseRecord,
    CertificateRecord,
    CheckRecord,
    ErrorRecord,
    EvidenceRecord,
    InterceptorRecord,
    RouteRecord,
    TargetRecord,
)
from detector.report.event_json import (
    DeviceRecord,
    EventKind,
    EventRecord,
    FindingKind,
    FindingRecord,
    VersionsRecord,
)

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOST = "clinic.private.example"
ISSUER = "CN=Corp Gateway CA"


def check(host: str = HOST, issuer: str = ISSUER, product: str | None = None) -> CheckRecord:
    """Judged intercepted; its host stands in every place in which a host can."""
    return CheckRecord(
        schema="tlsight.check/1", at=AT, target=TargetRecord(host, 443, "192.0.2.9", host, None, "192.0.2.9:443"),
        route=RouteRecord("http-connect", "proxy.corp.example:3128", tried=(f"{host}:1",)), handshake=None,
        chain=[CertificateRecord(f"CN={host}", issuer, "a" * 64, "b" * 64, AT, AT)], verdict="intercepted",
        summary=f"{host} is intercepted", decided_by="engine-and-public", sanctioned=False,
        interceptor=InterceptorRecord(product, None, None, issuer, "c" * 64),
        evidence=[EvidenceRecord("path-private", "intercepted", "strong", f"{host} ...", {"host": host})],
        causes=[CauseRecord("untrusted-root", "client", "error", f"{host} ...")], alerts=[], ocsp_stapled=False, ms={},
        error=ErrorRecord("tls", "not-tls", f"{host} ..."), explanation=host, next_step=f"tlsight check {host}",
    )  # fmt: skip


def event(
    kind: EventKind = "opened",
    of: FindingKind = "interception",
    subject: str = "spki:" + "c" * 64,
    hosts: tuple[str, ...] = (f"{HOST}:443",),
    name: str = "f" * 32,
    seen: CheckRecord | None = None,
    changes: tuple[str, ...] = (),
) -> EventRecord:
    """Of a finding."""
    finding = FindingRecord(name, of, subject, AT, AT, hosts, len(hosts))
    seen = seen or check()
    return EventRecord(
        "tlsight.event/1", "e" * 32, kind, AT, DeviceRecord("d" * 32), VersionsRecord("1"), finding=finding,
        changes=changes, check=seen, observation=Observation(AT, Target(seen.target.host)),
    )  # fmt: skip


def sanctioned(one: EventRecord) -> EventRecord:
    """The same, allowed by the policy."""
    return replace(one, sanctioned=True)
