"""Captured connections for a program: schema tlsight.pcap/1, one object a connection."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detector.capture.connection import ClosedBy, Connection, Preamble, SeenAlert
from detector.forensics.browsers import HelloOpinion
from detector.forensics.judged import JudgedConnection
from detector.forensics.observed import moment
from detector.forensics.servers import Server
from detector.forensics.story import CaptureStory
from detector.model.inquiry import Diagnosis
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
    """One connection; `number` is the place of its first packet in the file, from 1."""

    schema: Literal["tlsight.pcap/1"]
    number: int
    at: datetime
    seconds: float
    client: str
    server: str
    transport: Literal["tcp", "udp"]
    protocol: Literal["tls", "quic", "dtls"]
    sni: str | None
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
    closed_by: ClosedBy | None
    how: Literal["fin", "rst", "open"]
    causes: list[CauseRecord]
    verdict: VerdictName
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
        closed_by=c.closed_by,
        how=c.how,
        causes=cause_records(told.causes),
        verdict=told.verdict,
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


class SummaryRecord(msgspec.Struct, frozen=True):
    """One group of connections: by server, by name, by JA4 or by cause.

    `causes` are the failed connections by cause; `diagnosis` what all connections to a server say together.
    `name` is the one that was asked for at the server.
    """

    schema: Literal["tlsight.pcap-summary/1"]
    by: Literal["server", "sni", "ja4", "cause"]
    key: str
    connections: int
    failed: int
    clients: int
    causes: dict[str, int]
    name: str | None = None
    verdict: VerdictName | None = None
    diagnosis: tuple[str, ...] = ()
    first: datetime | None = None
    last: datetime | None = None


def summary_records(story: CaptureStory) -> list[SummaryRecord]:
    """The servers, then the other groups."""
    found = [server_record(one.server, one.diagnosis) for one in story.servers]
    for by, counts in story.by.items():
        found += [
            SummaryRecord(
                schema="tlsight.pcap-summary/1",
                by=by,  # type: ignore[arg-type]
                key=key,
                connections=count,
                failed=counts.failed[key],
                clients=len(counts.clients[key]),
                causes=dict(counts.causes.get(key, {})),
            )
            for key, count in counts.connections.most_common()
        ]
    return found


def server_record(server: Server, diagnosis: Diagnosis | None) -> SummaryRecord:
    return SummaryRecord(
        schema="tlsight.pcap-summary/1",
        by="server",
        key=socket_text(server.address, server.port),
        connections=server.connections,
        failed=server.failed,
        clients=len(server.clients),
        causes=dict(server.causes),
        name=server.name,
        verdict=diagnosis.judgement.verdict if diagnosis is not None else None,
        diagnosis=tuple(cause.id for cause in diagnosis.causes) if diagnosis is not None else (),
        first=moment(server.first),
        last=moment(server.last),
    )


def place(c: Connection) -> str:
    """The name that was asked for, and where."""
    where = socket_text(c.server, c.server_port)
    return f"{c.sni} ({where})" if c.sni else where
