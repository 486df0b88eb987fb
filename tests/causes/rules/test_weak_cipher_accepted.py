"""Weak suites are those that are weak, not what a server answers to a hello of weak ones."""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from detector.lab.peers import OldServer
from detector.lab.pki import LabPki
from detector.wire.hello import ClientHello
from tests.causes.rules.asked import causes, diagnosed

SOUND, RC4 = 0x009C, 0x0005


class Stubborn(OldServer):
    """Agrees to its one sound suite whether it was offered or not."""

    def _answer(self, hello: ClientHello) -> bytes:
        return super()._answer(msgspec.structs.replace(hello, ciphers=(SOUND,)))


def _served(pki: LabPki, kind: type[OldServer], *suites: int) -> OldServer:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return kind(pki.issue("localhost", key=key), suites)


def test_a_sound_suite_that_was_not_offered_is_not_called_weak(pki: LabPki) -> None:
    found = diagnosed(_served(pki, Stubborn, SOUND), pki)
    assert "weak-cipher-accepted" not in causes(found)
    assert "weak-cipher-only" not in causes(found)


def test_a_broken_suite_beside_a_sound_one_is_named(pki: LabPki) -> None:
    found = diagnosed(_served(pki, OldServer, SOUND, RC4), pki)
    assert "RC4" in causes(found)["weak-cipher-accepted"].text
