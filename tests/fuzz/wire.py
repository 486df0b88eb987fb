"""Targets of TLS on the wire: records, messages, hellos, whole flights."""

from __future__ import annotations

from detector.errors import TlsightError
from detector.lab.pki import LabPki
from detector.model.inquiry import Trial
from detector.report.diagnose_trace import trace
from detector.wire import certificates as certs
from detector.wire import hello
from detector.wire.alerts import parse_alerts
from detector.wire.ech import public_names
from detector.wire.fingerprints import ja3, ja3s, ja4
from detector.wire.greeting import described, spoken, turns_to_tls
from detector.wire.key_exchange import parse_key_exchange
from detector.wire.offer import Material, Offer, client_hello
from detector.wire.records import HandshakeReader, RecordReader, encode_message, encode_record
from detector.wire.server_flight import ServerFlight
from detector.wire.transcript import read_transcript
from tests.fuzz.lab import LEAF, vec
from tests.fuzz.target import Target

_HELLO = client_hello(Offer(sni="a.example", shares=()), Material(bytes(32), bytes(32), {}))
_CERTS13 = vec(1, b"") + vec(
    3, (vec(3, b"leaf") + vec(2, b"\x00\x05" + vec(2, b"\x01" + vec(3, b"x")))) * 3
)
_ECH = vec(
    2,
    b"\xfe\x0d"
    + vec(
        2,
        bytes(3) + vec(2, bytes(32)) + vec(2, bytes(4)) + b"\x00" + vec(1, b"a.example") + bytes(2),
    ),
)
_REQUEST12 = vec(1, b"\x01") + vec(2, b"\x04\x03") + vec(2, vec(2, b"name"))
_REQUEST13 = vec(1, b"c") + vec(
    2, b"\x00\x0d" + vec(2, vec(2, b"\x04\x03")) + b"\x00\x2f" + vec(2, vec(2, vec(2, b"n")))
)


def targets() -> dict[str, Target]:
    """By name."""
    flight = _flight()
    return {
        "records": Target(_records, (flight, encode_record(22, bytes(40_000)))),
        "client-hello": Target(_client_hello, (_HELLO[4:],)),
        "server-hello": Target(_server_hello, (_a_server_hello(),)),
        "certificate-1.2": Target(
            certs.parse_certificate_tls12, (vec(3, vec(3, b"leaf") * 5),), "A list of certificates."
        ),
        "certificate-1.3": Target(
            certs.parse_certificate_tls13, (_CERTS13,), "Certificates with their extensions."
        ),
        "certificate-request-1.2": Target(
            certs.parse_certificate_request_tls12, (_REQUEST12,), "Kinds, schemes and names."
        ),
        "certificate-request-1.3": Target(
            certs.parse_certificate_request_tls13, (_REQUEST13,), "Schemes and names."
        ),
        "certificate-status": Target(
            certs.parse_certificate_status, (b"\x01" + vec(3, b"ocsp"),), "A stapled answer."
        ),
        "ech-configs": Target(public_names, (_ECH,), "Public names."),
        "key-exchange": Target(
            certs.key_exchange_group, (b"\x03\x00\x1d" + bytes(33),), "A group, or None."
        ),
        "key-exchange-whole": Target(
            _key_exchange, (vec(2, bytes(128)) + vec(2, b"\x02") + vec(2, bytes(128)) + b"\x04\x01",)
        ),
        "server-flight": Target(_server_flight, (flight, _server_flight_sample())),
        "alerts": Target(parse_alerts, (b"\x02\x28\x01\x00",), "Levels and descriptions."),
        "transcript": Target(_both, (flight, encode_record(22, _HELLO) + flight)),
        "greeting": Target(
            _greeting,
            (b"220 mx ESMTP Postfix\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"+OK\r\n", b"SSH-2.0-x\r\n",
             b"<?xml version='1.0'?><stream:stream>", b"\x4a\0\0\0\x0a8.0.32\0", b"-ERR unknown command\r\n",
             b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80"),
        ),
    }  # fmt: skip


def _a_server_hello(
    suite: int = 0x1301,
    extensions: tuple[tuple[int, bytes], ...] = (
        (43, b"\x03\x04"), (51, b"\x00\x1d\x00\x20" + bytes(32)), (16, b"\x00\x03\x02h2")
    ),
) -> bytes:  # fmt: skip
    return hello.build_server_hello(hello.ServerHello(0x0303, b"r" * 32, b"", suite, 0, extensions))


def _flight() -> bytes:
    """A TLS 1.2 server's flight: hello, certificates, request, status, key exchange, an alert."""
    chain = b"".join(vec(3, der) for der in LabPki().issue("a.example").chain)
    parts = (
        (2, _a_server_hello()),
        (11, vec(3, chain)),
        (22, b"\x01" + vec(3, b"ocsp")),
        (12, b"\x03\x00\x1d" + vec(1, bytes(32))),
        (13, _REQUEST12),
    )
    wire = b"".join(encode_record(22, encode_message(kind, body)) for kind, body in parts)
    return wire + encode_record(21, b"\x02\x28")


def _server_flight_sample() -> bytes:
    return encode_record(
        22,
        encode_message(2, _a_server_hello(0xC02F, ((0xFF01, b"\x00"),)))
        + encode_message(11, vec(3, vec(3, LEAF)))
        + encode_message(12, b"\x03\x00\x1d" + vec(1, bytes(32)) + b"\x04\x03" + vec(2, b"sig"))
        + encode_message(13, _REQUEST12)
        + encode_message(14, b""),
    )


def _records(data: bytes) -> None:
    """Bytes in pieces, records and messages out; what waits for its end is never more than a record."""
    records, messages = RecordReader(), HandshakeReader()
    for start in range(0, len(data), 7):
        for record in records.feed(data[start : start + 7]):
            messages.feed(record.payload)
    assert records.pending < 1 << 15


def _client_hello(data: bytes) -> None:
    """A hello, its extensions as they are asked for, its fingerprints."""
    found = hello.parse_client_hello(data)
    # Lengths inside extensions are checked when a view is asked for.
    for view in (lambda: (found.sni, found.alpn, found.versions, found.groups),
                 lambda: (found.key_shares, found.ech, found.point_formats),
                 lambda: (ja3(found), ja4(found))):  # fmt: skip
        try:
            view()
        except TlsightError:
            continue


def _server_hello(data: bytes) -> None:
    """A hello, its fingerprint, and what it chose."""
    found = hello.parse_server_hello(data)
    ja3s(found)
    _ = (found.version, found.group, found.alpn, found.is_retry)


def _key_exchange(data: bytes) -> None:
    """Parameters of finite-field Diffie-Hellman, and what signed them."""
    parse_key_exchange(data, 0x009E, 0x0303)


def _server_flight(data: bytes) -> None:
    """The flight as it comes, then everything that is said about it."""
    flight = ServerFlight(b"", lambda _group, _key: None)
    for at in range(0, len(data), 97):
        flight.feed(data[at : at + 97])
    messages = tuple((message.type, message.body) for message in flight.received)
    trace(Trial("plain", "answered", messages=messages, sent=data[:600]))


def _both(data: bytes) -> None:
    """Both halves of a conversation, then a server's alone."""
    half = len(data) // 2
    read_transcript(data[:half], data[half:])
    read_transcript(b"", data)


def _greeting(data: bytes) -> None:
    """What speaks instead of TLS; what is shown of it can be printed."""
    spoke = spoken(data)
    assert spoke.banner.isprintable()
    assert described(spoke).isprintable()
    turns_to_tls(spoke)
