"""A protocol that was never offered."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric import rsa

from detector.lab.peers import OldServer
from detector.lab.pki import LabPki
from detector.wire import registry as r
from detector.wire.hello import ClientHello, ServerHello, build_server_hello
from detector.wire.records import HANDSHAKE, encode_message, encode_record
from tests.causes.rules.asked import causes, diagnosed

_HTTP09 = b"\x00\x09\x08http/0.9"


class Inventive(OldServer):
    """Chooses http/0.9, whatever was offered."""

    def _answer(self, hello: ClientHello) -> bytes:
        answer = super()._answer(hello)
        if answer[:1] != bytes((HANDSHAKE,)):
            return answer
        extensions = ((r.RENEGOTIATION_INFO, b"\x00"), (r.ALPN, _HTTP09))
        body = build_server_hello(
            ServerHello(self.version, os.urandom(32), b"", self.suites[0], 0, extensions)
        )
        rest = answer[5 + 4 + int.from_bytes(answer[6:9]) :]
        return encode_record(HANDSHAKE, encode_message(r.SERVER_HELLO, body) + rest, self.version)


def test_a_protocol_that_was_not_offered_is_said_in_its_own_words(pki: LabPki) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    found = diagnosed(Inventive(pki.issue("localhost", key=key), (0x009C,)), pki)
    cause = causes(found)["alpn-mismatch"]
    assert "'http/0.9', which was not offered" in cause.text
    assert cause.evidence == ("Offered: h2, http/1.1.",)
    assert "malformed-handshake" not in causes(found)
