"""The server's side of TLS 1.3 and 1.2 by hand, for peers that no library would let one build.

One suite (TLS_AES_128_GCM_SHA256) and one group (X25519) for 1.3, whose handshake is completed with real keys; a
first flight of ECDHE for 1.2, which is in clear. A client that offers neither is turned away.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from detector.lab.peers import read_hello
from detector.wire import registry as r
from detector.wire.hello import ClientHello, ServerHello, build_server_hello
from detector.wire.key_schedule import expand_label, extract
from detector.wire.offer import X25519
from detector.wire.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    encode_message,
    encode_record,
)

SUITE13, SUITE12 = 0x1301, 0xC02B
COMPRESSED_CERTIFICATE = 25
_SHA256 = hashes.SHA256()
_FOR_SERVERS = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"


class UnwillingError(OSError):
    """The client's hello leaves nothing to agree on."""


class Sealer:
    """Encrypts records under one traffic secret (RFC 8446 section 5.2)."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(expand_label(_SHA256, secret, b"key", b"", 16))
        self._iv = expand_label(_SHA256, secret, b"iv", b"", 12)
        self._sequence = 0

    def seal(self, kind: int, content: bytes) -> bytes:
        """Records that carry the content."""
        out = bytearray()
        for start in range(0, max(len(content), 1), 1 << 14):
            inner = content[start : start + (1 << 14)] + bytes((kind,))
            header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
            number = self._sequence.to_bytes(12, "big")
            nonce = bytes(a ^ b for a, b in zip(self._iv, number, strict=True))
            self._sequence += 1
            out += header + self._cipher.encrypt(nonce, inner, header)
        return bytes(out)


class Server13:
    """One TLS 1.3 connection: `hello`, then `flight`, then records of `application`."""

    def __init__(self, raw_hello: bytes, hello: ClientHello) -> None:
        share = dict(hello.key_shares).get(X25519)
        if share is None or SUITE13 not in hello.ciphers:
            raise UnwillingError
        key = x25519.X25519PrivateKey.generate()
        self._shared = key.exchange(x25519.X25519PublicKey.from_public_bytes(share))
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        extensions = (
            (r.SUPPORTED_VERSIONS, b"\x03\x04"),
            (r.KEY_SHARE, X25519.to_bytes(2, "big") + vector(2, public)),
        )
        answer = ServerHello(0x0303, os.urandom(32), hello.session_id, SUITE13, 0, extensions)
        message = encode_message(r.SERVER_HELLO, build_server_hello(answer))
        self._said = raw_hello + message
        self.hello = encode_record(HANDSHAKE, message) + encode_record(CHANGE_CIPHER_SPEC, b"\x01")
        nothing = hashlib.sha256().digest()
        early = extract(_SHA256, bytes(32), bytes(32))
        self._secret = extract(
            _SHA256, expand_label(_SHA256, early, b"derived", nothing, 32), self._shared
        )
        self._traffic = expand_label(_SHA256, self._secret, b"s hs traffic", self._transcript(), 32)
        self.sealer = Sealer(self._traffic)

    def _transcript(self) -> bytes:
        return hashlib.sha256(self._said).digest()

    def messages(self, certificate: bytes, key: ec.EllipticCurvePrivateKey) -> list[bytes]:
        """EncryptedExtensions to Finished, in clear; `certificate` is a whole message."""
        first = [encode_message(8, b"\0\0"), certificate]
        self._said += b"".join(first)
        signature = key.sign(_FOR_SERVERS + self._transcript(), ec.ECDSA(hashes.SHA256()))
        first.append(encode_message(15, b"\x04\x03" + vector(2, signature)))
        self._said += first[-1]
        mac = expand_label(_SHA256, self._traffic, b"finished", b"", 32)
        first.append(encode_message(20, hmac.digest(mac, self._transcript(), "sha256")))
        self._said += first[-1]
        return first

    def flight(self, certificate: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
        """The same as records."""
        return self.sealer.seal(HANDSHAKE, b"".join(self.messages(certificate, key)))

    def application(self) -> Sealer:
        """For what is said after the handshake."""
        nothing = hashlib.sha256().digest()
        derived = expand_label(_SHA256, self._secret, b"derived", nothing, 32)
        master = extract(_SHA256, derived, bytes(32))
        return Sealer(expand_label(_SHA256, master, b"s ap traffic", self._transcript(), 32))


async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Server13:
    """A connection whose hello was read; one that does not offer what is needed gets an alert."""
    _, whole, hello = await read_hello(reader)
    try:
        return Server13(joined(whole), hello)
    except UnwillingError:
        writer.write(encode_record(ALERT, b"\x02\x28"))
        await writer.drain()
        raise


def joined(records: bytes) -> bytes:
    """The handshake messages that records hold."""
    out, at = bytearray(), 0
    while at < len(records):
        size = int.from_bytes(records[at + 3 : at + 5], "big")
        out += records[at + 5 : at + 5 + size]
        at += 5 + size
    return bytes(out)


def certificates13(chain: tuple[bytes, ...]) -> bytes:
    """A Certificate message of TLS 1.3."""
    entries = b"".join(vector(3, der) + b"\0\0" for der in chain)
    return encode_message(r.CERTIFICATE, b"\0" + vector(3, entries))


def flight12(
    hello: ClientHello, chain: tuple[bytes, ...], key: ec.EllipticCurvePrivateKey
) -> list[bytes]:
    """ServerHello, Certificate, ServerKeyExchange, ServerHelloDone. Raises UnwillingError."""
    if SUITE12 not in hello.ciphers:
        raise UnwillingError
    random = os.urandom(32)
    extensions = ((r.RENEGOTIATION_INFO, b"\0"),)
    answer = ServerHello(0x0303, random, b"", SUITE12, 0, extensions)
    public = x25519.X25519PrivateKey.generate().public_key()
    params = b"\x03\x00\x1d" + vector(1, public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    signed = key.sign(hello.random + random + params, ec.ECDSA(hashes.SHA256()))
    return [
        encode_message(r.SERVER_HELLO, build_server_hello(answer)),
        encode_message(r.CERTIFICATE, vector(3, b"".join(vector(3, der) for der in chain))),
        encode_message(12, params + b"\x04\x03" + vector(2, signed)),
        encode_message(r.SERVER_HELLO_DONE, b""),
    ]


def vector(size: int, content: bytes) -> bytes:
    """The content behind its length, `size` bytes long."""
    return len(content).to_bytes(size, "big") + content


__all__ = ["APPLICATION_DATA"]
