"""Captured connections for a program: schema tlsight.pcap/1, one object a connection."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detector.capture.connection import ClosedBy, Connection, EchUse, Preamble, SeenAlert
from detector.forensics.browsers import HelloOpinion
from detector.forensics.groups import Kind
from detector.forensics.judged import JudgedConnection
from detector.forensics.observed import moment
from detector.forensics.outcomes import Ending, Failures, Stage, reason_of, stage, unseen
from detector.forensics.story import CaptureStory, ServerDiagnosis
from detector.model.inquiry import FoundCause
from detector.model.observation import VerdictName
from detector.model.targets import socket_text
from detector.report.check_json import (
    CauseRecord,
    CertificateRecord,
    InterceptorRecord,
    cause_records,
    certificate_record,
    interceptor_record,
)
from detector.wire import registry as r
from detector.wire.alerts import alert_name
from detector.wire.suites import suite_name


class SeenAlertRecord(msgspec.Struct, frozen=True):
    """`code` and `name` are null where the alert is encrypted and no key is at hand."""

    sender: Literal["client", "server"]
    code: int | None
    name: str | None
    fatal: bool
    encrypted: bool


class PcapRecord(msgspec.Struct, frozen=True):
    """One connection; `number` is the place of its first packet in the file, from 1.

    `reached` is the last step that was taken, `reason` what decided the verdict. `ech` is null for no Encrypted Client
    Hello, "offered" for one that may be GREASE, "outer" where `sni` is known to stand for another name.
    """

    schema: Literal["tlsight.pcap/1"]
    number: int
    at: datetime
    seconds: float
    client: str
    server: str
    transport: Literal["tcp", "udp"]
    protocol: Literal["tls", "quic", "dtls"]
    sni: str | None
    ech: EchUse | None
    version: str | None
    cipher: str | None
    group: str | None
    alpn: str | None
    ja3: str | None
    ja3s: str | None
    ja4: str | None
    chain: list[CertificateRecord]
    alerts: list[SeenAlertRecord]
    completed: bool
    failed: bool
    reached: Stage
    closed_by: ClosedBy | None
    how: Literal["fin", "rst", "open"]
    causes: list[CauseRecord]
    verdict: VerdictName
    reason: str | None
    interceptor: InterceptorRecord | None
    hello: HelloOpinion | None
    hello_bytes: int
    before: Preamble | None
    packets: int
    sent: int
    received: int
    ms: dict[str, float]
    signs: tuple[str, ...]
    notes: tuple[str, ...]


def pcap_record(told: JudgedConnection) -> PcapRecord:
    c, answer, hello = told.connection, told.connection.answer, told.connection.hello
    return PcapRecord(
        schema="tlsight.pcap/1",
        number=c.number,
        at=moment(c.first),
        seconds=round(c.last - c.first, 6),
        client=socket_text(c.client, c.client_port),
        server=socket_text(c.server, c.server_port),
        transport=c.transport,
        protocol=c.protocol,
        sni=c.sni,
        ech=c.ech,
        version=r.version_name(answer.version) if answer else None,
        cipher=suite_name(answer.cipher) if answer else None,
        group=r.group_name(answer.group) if answer and answer.group is not None else None,
        alpn=c.alpn,
        ja3=hello.ja3 if hello else None,
        ja3s=answer.ja3s if answer else None,
        ja4=hello.ja4 if hello else None,
        chain=[certificate_record(der) for der in c.chain],
        alerts=[_alert(alert) for alert in c.alerts],
        completed=c.completed,
        failed=told.failed,
        reached=stage(c),
        closed_by=c.closed_by,
        how=c.how,
        causes=cause_records(told.causes),
        verdict=told.verdict,
        reason=reason_of(told.judgement, unseen(c)),
        interceptor=interceptor_record(told.judgement.interceptor) if told.judgement else None,
        hello=told.opinion,
        hello_bytes=c.hello_size,
        before=c.preamble,
        packets=c.packets,
        sent=c.sent,
        received=c.received,
        ms=c.ms,
        signs=c.signs,
        notes=c.notes,
    )


def _alert(alert: SeenAlert) -> SeenAlertRecord:
    name = alert_name(alert.code) if alert.code is not None else None
    return SeenAlertRecord(alert.sender, alert.code, name, alert.fatal, alert.encrypted)


class FailureRecord(msgspec.Struct, frozen=True):
    """Connections to one server that failed in one way.

    `reached` is the last step that was taken; `alert` the fatal alert's number, null where none came or where it is
    encrypted; `number` and `client` are those of the earliest, which began at `first`; the latest began at `last`.
    """

    cause: str
    text: str
    connections: int
    reached: Stage
    closed_by: ClosedBy | None
    how: Literal["fin", "rst", "open"]
    alert: int | None
    alert_name: str | None
    encrypted: bool
    first: datetime
    last: datetime
    number: int
    client: str


class OddHelloRecord(msgspec.Struct, frozen=True):
    """A hello that is not that of the browser that the request names: the first one at a server."""

    number: int
    claims: str | None
    looks_like: str | None
    differs: tuple[str, ...]
    headers: tuple[str, ...]


class SummaryRecord(msgspec.Struct, frozen=True):
    """One group of connections: the whole capture, a server, or those that have the same name, suite and so on.

    Of all connections `of` were seen, `connections` are those that the filters left. `causes` are the failed
    connections by cause; `diagnosis` what all connections to a server say together, `faults` that in words.
    `name` is the one that was asked for at the server, `via` the tunnel's end where the address is a proxy's.
    `verdict` is the worst of `verdicts`, `reason` what decided it. `reached` counts the last steps that were taken,
    `hellos` what hellos say of who sent them. Where `hides_names`, `name` stands for others (Encrypted Client Hello). `faulty` are servers with faults that a client of today does not take.
    """

    schema: Literal["tlsight.pcap-summary/1"]
    by: Literal["capture", "server"] | Kind
    key: str
    connections: int
    failed: int
    clients: int
    causes: dict[str, int]
    of: int | None = None
    servers: int | None = None
    faulty: int | None = None
    name: str | None = None
    hides_names: bool = False
    via: str | None = None
    client: str | None = None
    protocols: dict[str, int] = {}
    verdict: VerdictName | None = None
    verdicts: dict[str, int] = {}
    reason: str | None = None
    reached: dict[str, int] = {}
    failures: list[FailureRecord] = []
    diagnosis: tuple[str, ...] = ()
    faults: list[CauseRecord] = []
    hellos: dict[str, int] = {}
    odd_hello: OddHelloRecord | None = None
    first: datetime | None = None
    last: datetime | None = None


def summary_records(story: CaptureStory) -> list[SummaryRecord]:
    """The whole, the servers, then the other groups."""
    found = [capture_record(story), *(server_record(one) for one in story.servers)]
    for by, counts in story.by.items():
        found += [
            SummaryRecord(
                schema="tlsight.pcap-summary/1",
                by=by,
                key=key,
                connections=count,
                failed=counts.failed[key],
                clients=len(counts.clients[key]),
                servers=len(counts.servers[key]),
                causes=dict(counts.causes.get(key, {})),
            )
            for key, count in counts.connections.most_common()
        ]
    return found


def capture_record(story: CaptureStory) -> SummaryRecord:
    """The whole capture, as far as the filters left it."""
    return SummaryRecord(
        schema="tlsight.pcap-summary/1",
        by="capture",
        key="",
        connections=story.connections,
        failed=story.failed,
        clients=len(story.clients),
        causes=dict(story.causes),
        of=story.seen,
        servers=len(story.servers) + story.further,
        faulty=len(story.broken),
        verdicts=dict(story.verdicts),
        hellos=dict(story.hellos),
        first=moment(story.first) if story.connections else None,
        last=moment(story.last) if story.connections else None,
    )


def server_record(one: ServerDiagnosis) -> SummaryRecord:
    """One server; its line of the table is made of this."""
    server, diagnosis, told = one.server, one.diagnosis, one.server.outcomes
    return SummaryRecord(
        schema="tlsight.pcap-summary/1",
        by="server",
        key=socket_text(server.address, server.port),
        connections=server.connections,
        failed=server.failed,
        clients=len(server.clients),
        causes=dict(server.causes),
        name=server.name,
        hides_names=server.hides_names,
        via=server.via,
        client=next(iter(server.clients)) if len(server.clients) == 1 else None,
        protocols=dict(told.protocols),
        verdict=one.verdict,
        verdicts=dict(told.verdicts.items()),
        reason=reason_of(one.judgement, one.unseen),
        reached=dict(told.stages.items()),
        failures=[_failures(ending, found) for ending, found in told.most],
        diagnosis=tuple(cause.id for cause in diagnosis.causes) if diagnosis is not None else (),
        faults=[_fault(cause) for cause in diagnosis.causes] if diagnosis is not None else [],
        hellos=dict(told.hellos),
        odd_hello=_odd_hello(*told.odd) if told.odd is not None else None,
        first=moment(server.first),
        last=moment(server.last),
    )


def _fault(cause: FoundCause) -> CauseRecord:
    return CauseRecord(cause.id, cause.party, cause.severity, cause.text)


def _failures(ending: Ending, found: Failures) -> FailureRecord:
    code = ending.alert if ending.alert is not None and ending.alert >= 0 else None
    return FailureRecord(
        cause=ending.cause,
        text=found.text,
        connections=found.count,
        reached=ending.stage,
        closed_by=ending.closed_by,
        how=ending.how,
        alert=code,
        alert_name=alert_name(code) if code is not None else None,
        encrypted=ending.alert == -1,
        first=moment(found.first),
        last=moment(found.last),
        number=found.number,
        client=found.client,
    )


def _odd_hello(number: int, opinion: HelloOpinion) -> OddHelloRecord:
    return OddHelloRecord(
        number, opinion.claims, opinion.looks_like, opinion.differs, opinion.headers
    )


def place(c: Connection) -> str:
    """The name that was asked for, and where."""
    where = socket_text(c.server, c.server_port)
    return f"{c.sni} ({where})" if c.sni else where
