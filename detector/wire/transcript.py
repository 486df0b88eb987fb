"""Both directions of one connection, read as a handshake as far as it is in clear.

Theory of operation: each direction is cut into records, its handshake records into messages, until
the first sign of encryption (see records.py). A direction that stops making sense ends there with
its error kept as data: the other direction is still worth reading.
"""

from __future__ import annotations

import msgspec

from detector.errors import WireError
from detector.wire import registry as r
from detector.wire.alerts import MAX_ALERTS, WireAlert, parse_alerts
from detector.wire.certificates import (
    CertificateEntry,
    CertificateRequest,
    key_exchange_group,
    parse_certificate_request_tls12,
    parse_certificate_status,
    parse_certificate_tls12,
)
from detector.wire.hello import ClientHello, ServerHello, parse_client_hello, parse_server_hello
from detector.wire.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HandshakeReader,
    Message,
    Record,
    RecordReader,
)


class Flight(msgspec.Struct, frozen=True):
    """One direction: clear handshake messages, clear alerts, sizes of opaque records."""

    messages: tuple[Message, ...]
    alerts: tuple[WireAlert, ...]
    opaque: tuple[int, ...]
    error: WireError | None


class Transcript(msgspec.Struct, frozen=True):
    """What was in clear of a handshake. Members are None or empty where nothing was seen."""

    client_hello: ClientHello | None
    server_hello: ServerHello | None
    retry: ServerHello | None
    chain: tuple[CertificateEntry, ...]
    request: CertificateRequest | None
    ocsp: bytes | None
    group: int | None
    client: Flight
    server: Flight


def read_flight(data: bytes) -> Flight:
    """One direction's bytes. Never raises: the error is kept in the flight."""
    records, handshake = RecordReader(), HandshakeReader()
    messages: list[Message] = []
    alerts: list[WireAlert] = []
    opaque: list[int] = []
    encrypted = False
    try:
        for record in records.feed(data):
            if record.type == APPLICATION_DATA or (encrypted and not _is_hello(record)):
                opaque.append(len(record.payload))
            elif record.type == CHANGE_CIPHER_SPEC:
                encrypted = True
            elif record.type == HANDSHAKE:
                messages += handshake.feed(record.payload)
            elif record.type == ALERT:
                alerts += parse_alerts(record.payload, record.offset + 5)
                if len(alerts) > MAX_ALERTS:
                    del alerts[MAX_ALERTS:]
                    raise WireError(f"more than {MAX_ALERTS} alerts", record.offset)
    except WireError as error:
        return Flight(tuple(messages), tuple(alerts), tuple(opaque), error)
    return Flight(tuple(messages), tuple(alerts), tuple(opaque), None)


def _is_hello(record: Record) -> bool:
    """A hello in clear after a ChangeCipherSpec: that of a retry, where the ChangeCipherSpec is
    only for show (RFC 8446 section D.4).
    """
    head = record.payload[:4]
    hello = head[:1] in (b"\x01", b"\x02")
    return (
        record.type == HANDSHAKE and hello and int.from_bytes(head[1:]) + 4 == len(record.payload)
    )


def read_transcript(client_bytes: bytes, server_bytes: bytes) -> Transcript:
    """Both directions of one connection. Never raises; see Flight.error."""
    client, server = read_flight(client_bytes), read_flight(server_bytes)
    hello: ClientHello | None = None
    chosen: ServerHello | None = None
    retry: ServerHello | None = None
    chain: tuple[CertificateEntry, ...] = ()
    request: CertificateRequest | None = None
    ocsp: bytes | None = None
    group: int | None = None
    try:
        for message in client.messages:
            if message.type == r.CLIENT_HELLO:
                hello = parse_client_hello(message.body, message.offset + 4)
                break
    except WireError as error:
        client = Flight(client.messages, client.alerts, client.opaque, error)
    try:
        for message in server.messages:
            start = message.offset + 4
            if message.type == r.SERVER_HELLO:
                found = parse_server_hello(message.body, start)
                if found.is_retry:
                    retry = found
                else:
                    chosen = found
                    group = found.group
            elif message.type == r.CERTIFICATE:
                chain = parse_certificate_tls12(message.body, start)
            elif message.type == r.SERVER_KEY_EXCHANGE:
                group = key_exchange_group(message.body, start)
            elif message.type == r.CERTIFICATE_REQUEST:
                request = parse_certificate_request_tls12(message.body, start)
            elif message.type == r.CERTIFICATE_STATUS:
                ocsp = parse_certificate_status(message.body, start)
    except WireError as error:
        server = Flight(server.messages, server.alerts, server.opaque, error)
    return Transcript(hello, chosen, retry, chain, request, ocsp, group, client, server)
