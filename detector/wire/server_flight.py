"""A server's first flight, read as it comes: until it waits for the client, or breaks off.

Theory of operation
-------------------
In TLS 1.2 and before the flight is in clear and ends with ServerHelloDone. In TLS 1.3 everything
after the ServerHello is encrypted under keys that need no certificate, so whoever made the key share
can read it, up to Finished. Where the server chose a group whose secret is not at hand, or asks for
another hello, the ServerHello is all there is to read.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from detector.errors import WireError
from detector.wire import registry as r
from detector.wire.alerts import MAX_ALERTS, WireAlert, parse_alerts
from detector.wire.certificates import (
    CertificateEntry,
    CertificateRequest,
    parse_certificate_request_tls11,
    parse_certificate_request_tls12,
    parse_certificate_request_tls13,
    parse_certificate_status,
    parse_certificate_tls12,
    parse_certificate_tls13,
)
from detector.wire.hello import ServerHello, chosen_alpn, parse_server_hello
from detector.wire.key_exchange import KeyExchange, parse_certificate_verify, parse_key_exchange
from detector.wire.key_schedule import RecordOpener, can_read, server_handshake_reader
from detector.wire.reader import Reader
from detector.wire.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HandshakeReader,
    Record,
    RecordReader,
)

# The (EC)DHE secret of a group and the server's key, None where our private key is not at hand.
SharedSecret = Callable[[int, bytes], bytes | None]

FINISHED, CERTIFICATE_VERIFY = 20, 15
# An honest flight has a dozen messages, and one change of ciphers to please middleboxes (RFC 8446, appendix D.4).
MAX_MESSAGES = 64


class Received(msgspec.Struct, frozen=True):
    """One handshake message: type, body, and whether it came encrypted."""

    type: int
    body: bytes
    encrypted: bool


class ServerFlight:
    """`feed` bytes until `done`; then read the members.

    Args:
        hello: our ClientHello's handshake message.
        shared_secret: how to open what TLS 1.3 encrypts.

    Members that were not seen are None or empty; `error` is where the bytes stopped making sense.

    """

    def __init__(self, hello: bytes, shared_secret: SharedSecret | None = None) -> None:
        self._hello = hello
        self._secret = shared_secret
        self._records = RecordReader()
        self._messages = HandshakeReader()
        self._opener: RecordOpener | None = None
        self._changes = 0
        self.received: list[Received] = []
        self.alerts: list[WireAlert] = []
        self.done = False
        self.error: WireError | None = None
        self.hello: ServerHello | None = None
        self.chain: tuple[CertificateEntry, ...] = ()
        self.request: CertificateRequest | None = None
        self.ocsp: bytes | None = None
        self.exchange: KeyExchange | None = None
        self.scheme: int | None = None
        self.alpn: bytes | None = None

    @property
    def scts(self) -> bytes | None:
        """The list of SCTs that came in the handshake: in the leaf's entry, or before TLS 1.3 in the hello."""
        found = self.chain[0].scts if self.chain else None
        if found is None and self.hello is not None:
            found = self.hello.extension(r.SIGNED_CERTIFICATE_TIMESTAMP)
        return found

    def feed(self, data: bytes) -> None:
        """Take what came. Never raises; see `error`."""
        try:
            for record in self._records.feed(b"" if self.done else data):
                self._record(record)
        except WireError as error:
            self.error = error
            self.done = True

    def _record(self, record: Record) -> None:
        if self.done:
            return
        if record.type == APPLICATION_DATA and self._opener is not None:
            kind, content = self._opener.open(record.payload, record.offset)
            self._content(kind, content, record.offset, encrypted=True)
        elif record.type in (HANDSHAKE, ALERT):
            self._content(record.type, record.payload, record.offset + 5, encrypted=False)
        elif record.type != CHANGE_CIPHER_SPEC:
            self.done = True  # no longer in clear
        else:
            self._changes += 1
            _bound(self._changes, record.offset)

    def _content(self, kind: int, content: bytes, offset: int, *, encrypted: bool) -> None:
        if kind == ALERT:
            new = parse_alerts(content, offset)
            self.alerts += new[: MAX_ALERTS - len(self.alerts)]
            self.done = any(alert.level == 2 or alert.code == 0 for alert in new)
            if not self.done and len(self.alerts) == MAX_ALERTS:
                raise WireError(f"{MAX_ALERTS} alerts and no end", offset)
        elif kind == HANDSHAKE:
            for message in self._messages.feed(content):
                self.received.append(Received(message.type, message.body, encrypted))
                _bound(len(self.received), offset)
                self._message(message.type, message.body)
                if self.done:
                    return

    def _message(self, kind: int, body: bytes) -> None:
        tls13 = self.hello is not None and self.hello.version == 0x0304
        if kind == r.SERVER_HELLO:
            self._server_hello(body)
        elif kind == r.ENCRYPTED_EXTENSIONS:
            chosen = chosen_alpn(body)
            self.alpn = chosen if chosen is not None else self.alpn
        elif kind == r.CERTIFICATE:
            self.chain = (parse_certificate_tls13 if tls13 else parse_certificate_tls12)(body)
            self.ocsp = self.chain[0].ocsp if self.chain else None
        elif kind == r.CERTIFICATE_STATUS:
            self.ocsp = parse_certificate_status(body)
        elif kind == r.SERVER_KEY_EXCHANGE and self.hello is not None:
            self.exchange = parse_key_exchange(body, self.hello.cipher, self.hello.version)
            self.scheme = self.exchange.scheme
        elif kind == r.CERTIFICATE_REQUEST:
            tls12 = self.hello is not None and self.hello.version == 0x0303
            self.request = self._request(body, tls13=tls13, tls12=tls12)
        elif kind == CERTIFICATE_VERIFY:
            self.scheme = parse_certificate_verify(body)
        elif kind in (r.SERVER_HELLO_DONE, FINISHED):
            self.done = True

    def _request(self, body: bytes, *, tls13: bool, tls12: bool) -> CertificateRequest:
        if tls13:
            return parse_certificate_request_tls13(body)
        return (parse_certificate_request_tls12 if tls12 else parse_certificate_request_tls11)(body)

    def _server_hello(self, body: bytes) -> None:
        self.hello = hello = parse_server_hello(body)
        self.alpn = hello.alpn
        if hello.is_retry:
            self.done = True
            return
        if hello.version != 0x0304:
            return
        share = hello.extension(r.KEY_SHARE)
        secret: bytes | None = None
        if share is not None and self._secret is not None and can_read(hello.cipher):
            read = Reader(share)
            group = read.uint(2, "key share group")
            secret = self._secret(group, read.vector(2, "key share").rest())
        if secret is None:
            self.done = True
            return
        message = bytes((r.SERVER_HELLO,)) + len(body).to_bytes(3, "big") + body
        self._opener = server_handshake_reader(hello.cipher, secret, self._hello + message)


def _bound(count: int, offset: int) -> None:
    if count > MAX_MESSAGES:
        raise WireError(f"more than {MAX_MESSAGES} messages and no end", offset)
