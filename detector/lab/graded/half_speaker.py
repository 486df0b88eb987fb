"""The first half of a handshake, for suites that no library has any more: hello, certificate, and whether the client goes on.

A client that minds the suite says so in an alert or leaves; one that sends its ClientKeyExchange has agreed. That is all
that is asked, so no keys are computed and no handshake ends well.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from detector.errors import WireError
from detector.lab.first_flight import first_flight
from detector.lab.pki import Credential
from detector.serving.speaker import Agreed, SpeakerError, Speaking, WentOnError
from detector.wire import registry as r
from detector.wire.alerts import alert_name
from detector.wire.hello import ServerHello, parse_client_hello
from detector.wire.records import (
    ALERT,
    HANDSHAKE,
    HandshakeReader,
    RecordReader,
    encode_message,
    encode_record,
)

_SERVER_KEY_EXCHANGE, _CLIENT_KEY_EXCHANGE = 12, 16
_TLS12 = 0x0303
_RSA_PKCS1_SHA256 = b"\x04\x01"


def half_speaking(
    credential: Credential, suites: tuple[int, ...], prime: int | None = None
) -> Speaking:
    """Agrees on the first of `suites` that is offered; with `prime`, by Diffie-Hellman in its group, generator 2."""
    return lambda: _HalfSpeaker(credential, suites, prime)


class _HalfSpeaker:
    def __init__(self, credential: Credential, suites: tuple[int, ...], prime: int | None) -> None:
        self._credential, self._suites, self._prime = credential, suites, prime
        self._records, self._messages = RecordReader(), HandshakeReader()
        self._out = bytearray()
        self.agreed: Agreed | None = None

    def take(self, data: bytes) -> bytes | None:
        if not data:
            return None
        try:
            for record in self._records.feed(data):
                if record.type == ALERT and len(record.payload) == 2:
                    raise SpeakerError(f"alert {alert_name(record.payload[1])}")
                if record.type == HANDSHAKE:
                    for message in self._messages.feed(record.payload):
                        self._heard(message.type, message.body)
        except WireError as error:
            raise SpeakerError(str(error)) from None
        return b""

    def say(self, data: bytes) -> None:
        raise SpeakerError(f"there are no keys to send {len(data)} bytes with")

    def end(self) -> None:
        """There is nothing to end."""

    def out(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def _heard(self, kind: int, body: bytes) -> None:
        if kind == r.CLIENT_HELLO:
            self._greet(body)
        elif kind == _CLIENT_KEY_EXCHANGE:
            raise WentOnError("it agreed")

    def _greet(self, body: bytes) -> None:
        hello = parse_client_hello(body)
        chosen = next((one for one in self._suites if one in hello.ciphers), None)
        if chosen is None:
            self._out += encode_record(ALERT, b"\x02\x28")
            raise SpeakerError("no suite that it offers")
        version = min(hello.legacy_version, _TLS12)
        if self._prime is not None and version < _TLS12:
            self._out += encode_record(ALERT, b"\x02\x46")
            raise SpeakerError("its version is too old")
        random = os.urandom(32)
        answer = ServerHello(version, random, b"", chosen, 0, ((r.RENEGOTIATION_INFO, b"\0"),))
        exchange = self._key_exchange(hello.random + random) if self._prime is not None else b""
        self._out += first_flight(answer, self._credential, exchange)

    def _key_exchange(self, randoms: bytes) -> bytes:
        """ServerKeyExchange of DHE_RSA (RFC 5246 section 7.4.3), signed with rsa_pkcs1_sha256."""
        assert self._prime is not None
        key = self._credential.key
        assert isinstance(key, rsa.RSAPrivateKey)
        secret = int.from_bytes(os.urandom(32), "big")
        numbers = (self._prime, 2, pow(2, secret, self._prime))
        parameters = b"".join(
            _vector(one.to_bytes((one.bit_length() + 7) // 8, "big")) for one in numbers
        )
        signature = key.sign(randoms + parameters, padding.PKCS1v15(), hashes.SHA256())
        return encode_message(
            _SERVER_KEY_EXCHANGE, parameters + _RSA_PKCS1_SHA256 + _vector(signature)
        )


def _vector(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data
