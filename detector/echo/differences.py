"""What left against what arrived: two first flights of one connection, and two heads of one request. Pure.

Theory of operation
-------------------
The server's echo has the bytes as they came, so equality is equality of bytes, and everything else is said as data: a
`Difference` has its kind, the field, what was sent, what arrived, and a sentence. They come in the order of telling.

* Equal bytes: nothing. Equal messages in other records: somebody took the stream apart and forwarded it, which TLS
  allows (RFC 8446 section 5.1) and plain forwarders do not do.
* The same random in another message: the hello was edited on its way, and no handshake in which both sides see the same
  transcript can come of it.
* Another random: another program's hello. Whoever sent it ended the client's connection and made one of his own.

Bytes that came long after the first ones are told, since a hello is sent at once: somebody held them back, or a packet was
lost. How TCP cut them is nobody's doing and no difference.

What chance puts into a hello (random, session id, keys, GREASE, tickets, the noise of ECH) is compared where the random
is the client's, and passed over where it is another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from detector.errors import WireError
from detector.model.echoes import Piece
from detector.wire import registry as r
from detector.wire.hello import ClientHello, parse_client_hello
from detector.wire.records import HANDSHAKE, HandshakeReader, Record, RecordReader
from detector.wire.suites import suite_name

Kind = Literal["records", "hello", "lost", "delayed", "header"]
# A hello is sent at once; what comes later than this behind its beginning was held back by somebody.
HELD_BACK_MS = 150.0
_SHOWN = 8
_TRUST_ANCHORS, _COMPRESS_CERTIFICATE = 0xCA34, 27
# Their bodies are chance, or depend on what is.
_OF_CHANCE = frozenset(
    (r.KEY_SHARE, r.ENCRYPTED_CLIENT_HELLO, r.PRE_SHARED_KEY, r.SESSION_TICKET, r.PADDING, r.COOKIE)
)
# Told by what they list, one by one.
_LISTS = frozenset((r.SUPPORTED_GROUPS, r.SIGNATURE_ALGORITHMS, r.SUPPORTED_VERSIONS, r.ALPN))


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as it was sent.

    Attributes:
        kind: records: how the bytes were packed; hello: a field of it; lost: something that the client offered and the
            server was not; delayed: held back; header: of the request.
        field: its name: "cipher suites", "ECH", "via".
        sent, arrived: as text, empty for nothing.
        text: one sentence for a person.

    """

    kind: Kind
    field: str
    sent: str
    arrived: str
    text: str


class Flight(msgspec.Struct, frozen=True):
    """A client's bytes up to the end of its hello.

    Attributes:
        data: cut there.
        records: size of each record that it lies in.
        version: of the first record.
        hello: the parsed message.

    """

    data: bytes
    records: tuple[int, ...]
    version: int
    hello: ClientHello


def first_flight(data: bytes) -> Flight:
    """Of what a client sent, or an echo's flight. Raises WireError."""
    found: list[Record] = []
    messages = HandshakeReader()
    for record in RecordReader().feed(data):
        if record.type != HANDSHAKE:
            break
        found.append(record)
        for message in messages.feed(record.payload):
            if message.type != r.CLIENT_HELLO:
                raise WireError("no ClientHello comes first", record.offset)
            sizes = tuple(len(one.payload) for one in found)
            end = record.offset + 5 + len(record.payload)
            version = int.from_bytes(data[1:3])
            return Flight(data[:end], sizes, version, parse_client_hello(message.body))
    raise WireError("no whole ClientHello is in it", len(data))


def differences(sent: Flight, arrived: Flight) -> tuple[Difference, ...]:
    """Empty where it arrived byte for byte."""
    if sent.data == arrived.data:
        return ()
    return (*_records(sent, arrived), *_hellos(sent.hello, arrived.hello))


def is_rewritten(sent: Flight, arrived: Flight) -> bool:
    """The hello that arrived is another program's."""
    return sent.hello.random != arrived.hello.random


def delays(pieces: Sequence[Piece]) -> Iterator[Difference]:
    """Where bytes came long after the first ones."""
    if len(pieces) > 1 and (late := pieces[-1].ms - pieces[0].ms) >= HELD_BACK_MS:
        text = (
            f"The hello came in {len(pieces)} pieces, the last {late:.0f} ms after the first: held back, or a packet"
            " was lost."
        )
        yield Difference("delayed", "pieces", "at once", f"{late:.0f} ms apart", text)


def header_differences(
    sent: Sequence[tuple[str, str]], arrived: Sequence[tuple[str, str]], http: str
) -> Iterator[Difference]:
    """Of a request that was sent as HTTP/1.1. Over HTTP/2 (`http`) names are lower case and Host is a pseudo-header."""
    second = http == "HTTP/2"
    came = [
        ("Host" if name == ":authority" else name, value)
        for name, value in arrived
        if not name.startswith(":") or name == ":authority"
    ]
    if second:
        yield Difference(
            "header", "HTTP version", "HTTP/1.1", http, "The request arrived in HTTP/2."
        )
    ours, theirs = _by_name(sent), _by_name(came)
    for name, (_, value) in theirs.items():
        if name not in ours:
            yield Difference("header", name, "", value, f"The header {name} was added.")
    for name, (written, value) in ours.items():
        if name not in theirs:
            yield Difference("header", name, value, "", f"The header {name} was removed.")
            continue
        as_written, other = theirs[name]
        if other != value:
            yield Difference("header", name, value, other, f"The header {name} was changed.")
        elif as_written != written and not second:
            text = f"The header {name} is written in another way."
            yield Difference("header", name, written, as_written, text)
    order = [name for name in ours if name in theirs]
    other_order = [name for name in theirs if name in ours]
    if order != other_order:
        text = "The headers stand in another order."
        yield Difference("header", "order", ", ".join(order), ", ".join(other_order), text)


def _by_name(headers: Sequence[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Values of one name joined, as RFC 9110 section 5.3 has it; the name as it is written first."""
    found: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        key = name.lower()
        before = found.get(key)
        found[key] = (name, value) if before is None else (before[0], f"{before[1]}, {value}")
    return found


def _records(sent: Flight, arrived: Flight) -> Iterator[Difference]:
    if sent.version != arrived.version:
        ours, theirs = r.version_text(sent.version), r.version_text(arrived.version)
        text = f"The record says {theirs}; {ours} was sent."
        yield Difference("records", "record version", ours, theirs, text)
    before, after = len(sent.records), len(arrived.records)
    if sent.records == arrived.records or (before == after == 1):
        return
    how = "split" if after > before else "joined" if after < before else "cut in other places"
    text = f"The hello was {how}: {before} TLS record{'s' * (before > 1)} left, {after} arrived."
    yield Difference("records", "records", _listed(sent.records), _listed(arrived.records), text)


def _hellos(sent: ClientHello, arrived: ClientHello) -> Iterator[Difference]:
    if sent == arrived:
        return
    other = sent.random != arrived.random
    if other:
        text = "Another hello arrived: its random is not the one that was sent."
        yield Difference("hello", "random", sent.random.hex(), arrived.random.hex(), text)
    yield from _losses(sent, arrived)
    yield from _changed_text(
        "version", r.version_text(sent.legacy_version), r.version_text(arrived.legacy_version)
    )
    if len(sent.session_id) != len(arrived.session_id) or (
        not other and sent.session_id != arrived.session_id
    ):
        yield from _changed_text("session id", sent.session_id.hex(), arrived.session_id.hex())
    yield from _changed("cipher suites", sent.ciphers, arrived.ciphers, suite_name, other)
    yield from _changed_text("compression", sent.compression.hex(), arrived.compression.hex())
    yield from _changed("extensions", _kinds(sent), _kinds(arrived), r.extension_name, other)
    yield from _changed_text("server name", _sni(sent), _sni(arrived))
    for field, read, name in _LISTED:
        ours, theirs = _or_none(read, sent), _or_none(read, arrived)
        yield from _changed(field, ours, theirs, name, other)
    yield from _bodies(sent, arrived, other)


def _bodies(sent: ClientHello, arrived: ClientHello, other: bool) -> Iterator[Difference]:
    """Extensions that both have, with another content."""
    for kind in dict.fromkeys(_kinds(sent)):
        ours, theirs = sent.extension(kind), arrived.extension(kind)
        if theirs is None or ours is None or ours == theirs or kind == r.SERVER_NAME:
            continue
        if kind in _LISTS or (other and (kind in _OF_CHANCE or r.is_grease(kind))):
            continue
        name = r.extension_name(kind)
        yield Difference(
            "hello", name, _hex(ours), _hex(theirs), f"The extension {name} has another content."
        )
    padded = [len(one.extension(r.PADDING) or b"") for one in (sent, arrived)]
    if other and padded[1] > padded[0]:
        text = f"The hello is padded: {padded[1]} bytes arrived, {padded[0]} were sent."
        yield Difference("hello", "padding", str(padded[0]), str(padded[1]), text)


def _losses(sent: ClientHello, arrived: ClientHello) -> Iterator[Difference]:
    for name, has, what in _LOSABLE:
        if has(sent) and not has(arrived):
            yield Difference("lost", name, "offered", "", f"{name} was lost: {what}.")


def _changed(
    field: str,
    sent: Sequence[int | bytes] | None,
    arrived: Sequence[int | bytes] | None,
    name: Callable[[int], str],
    other: bool,
) -> Iterator[Difference]:
    """Of a list: what is gone, what is there beside, and the order. GREASE of another hello is chance, but for its being there."""
    if sent is None or arrived is None:
        if sent is not None or arrived is not None:
            text = f"The {field} cannot be read on one side."
            yield Difference("hello", field, "", "", text)
        return

    def told(value: int | bytes) -> str:
        if isinstance(value, bytes):
            return value[:40].decode("ascii", "backslashreplace")
        return "GREASE" if other and r.is_grease(value) else name(value)

    ours, theirs = [told(one) for one in sent], [told(one) for one in arrived]
    if ours == theirs and (other or tuple(sent) == tuple(arrived)):
        return
    gone = [one for one in dict.fromkeys(ours) if one not in theirs]
    more = [one for one in dict.fromkeys(theirs) if one not in ours]
    if gone or more:
        parts = [
            f"{len(listed)} {word} ({_listed(listed)})"
            for listed, word in ((gone, "removed"), (more, "added"))
            if listed
        ]
        text = f"The {field} are others: {', '.join(parts)}."
    else:
        text = f"The {field} stand in another order."
    yield Difference("hello", field, ", ".join(ours), ", ".join(theirs), text)


def _changed_text(field: str, sent: str, arrived: str) -> Iterator[Difference]:
    if sent != arrived:
        text = f"The {field} is another: {arrived[:80] or 'none'} for {sent[:80] or 'none'}."
        yield Difference("hello", field, sent, arrived, text)


def _kinds(hello: ClientHello) -> tuple[int, ...]:
    return tuple(kind for kind, _ in hello.extensions or ())


def _sni(hello: ClientHello) -> str:
    try:
        return hello.sni or ""
    except WireError:
        return "cannot be read"


def _or_none[T](read: Callable[[ClientHello], T], hello: ClientHello) -> T | None:
    try:
        return read(hello)
    except WireError:
        return None


def _has(kind: int) -> Callable[[ClientHello], bool]:
    return lambda hello: hello.extension(kind) is not None


def _hybrid(hello: ClientHello) -> bool:
    return bool(r.POST_QUANTUM.intersection(_or_none(lambda one: one.groups, hello) or ()))


def _http2(hello: ClientHello) -> bool:
    return b"h2" in (_or_none(lambda one: one.alpn, hello) or ())


def _tls13(hello: ClientHello) -> bool:
    return 0x0304 in (_or_none(lambda one: one.versions, hello) or ())


def _grease(hello: ClientHello) -> bool:
    return any(map(r.is_grease, (*hello.ciphers, *_kinds(hello))))


# What a client offers, how it is seen, and what it means that it does not arrive.
_LOSABLE: tuple[tuple[str, Callable[[ClientHello], bool], str], ...] = (
    ("TLS 1.3", _tls13, "certificates go in clear, and the handshake takes longer"),
    ("ECH", _has(r.ENCRYPTED_CLIENT_HELLO), "names that servers hide are shown"),
    ("hybrid key exchange", _hybrid, "what is recorded today can be read by a later quantum computer"),
    ("HTTP/2", _http2, "the server is spoken to in HTTP/1.1"),
    ("trust_anchors", _has(_TRUST_ANCHORS), "the server cannot choose a certificate that fits"),
    ("SCT request", _has(r.SIGNED_CERTIFICATE_TIMESTAMP), "no server shows its logs' promises beside"),
    ("certificate status request", _has(r.STATUS_REQUEST), "no server staples its certificate's state"),
    ("compress_certificate", _has(_COMPRESS_CERTIFICATE), "certificates are sent whole"),
    ("session tickets", _has(r.SESSION_TICKET), "sessions of TLS 1.2 are not resumed by tickets"),
    ("GREASE", _grease, "who wrote the hello does not keep others tolerant (RFC 8701)"),
)  # fmt: skip


_Listed = Sequence[int | bytes]
_LISTED: tuple[tuple[str, Callable[[ClientHello], _Listed], Callable[[int], str]], ...] = (
    ("versions", lambda hello: hello.versions, r.version_text),
    ("groups", lambda hello: hello.groups, r.group_name),
    ("groups with a key", lambda hello: tuple(g for g, _ in hello.key_shares), r.group_name),
    (
        "signature schemes",
        lambda hello: hello.signature_algorithms,
        lambda code: r.SIGNATURE_SCHEMES.get(code, f"{code:#06x}"),
    ),
    ("ALPN protocols", lambda hello: hello.alpn, str),
)


def _listed(values: Sequence[object]) -> str:
    """The first few, and how many more."""
    every = list(map(str, values))
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _hex(body: bytes) -> str:
    return body[:64].hex() + ("…" if len(body) > 64 else "")
