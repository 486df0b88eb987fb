"""A server's first flight before TLS 1.3, without any cryptography: hello, certificate, done (RFC 5246 section 7.3)."""

from __future__ import annotations

from detector.lab.pki import Credential
from detector.wire import registry as r
from detector.wire.hello import ServerHello, build_server_hello
from detector.wire.records import HANDSHAKE, encode_message, encode_record


def first_flight(hello: ServerHello, credential: Credential, exchange: bytes = b"") -> bytes:
    """The records to send, of the hello's version; `exchange` is a ServerKeyExchange with its header."""
    entries = b"".join(len(der).to_bytes(3, "big") + der for der in credential.chain)
    return encode_record(
        HANDSHAKE,
        encode_message(r.SERVER_HELLO, build_server_hello(hello))
        + encode_message(r.CERTIFICATE, len(entries).to_bytes(3, "big") + entries)
        + exchange
        + encode_message(r.SERVER_HELLO_DONE, b""),
        hello.legacy_version,
    )
