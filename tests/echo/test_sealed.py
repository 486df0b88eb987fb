"""An echo cannot be written, changed or kept by whoever stands in between."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector.echo.sealed import MAX_SEALED, opened, sealed
from detector.errors import EchoError
from detector.lab.case import now
from detector.model.echoes import Echo

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw().hex()
ECHO = Echo(nonce="n1", at=now(), flight=b"\x16\x03\x01", peer="192.0.2.1", http="HTTP/1.1")
BLOB = sealed(ECHO, PUBLIC, KEY.sign)


def test_what_was_sealed_is_what_is_opened() -> None:
    assert opened(BLOB, PUBLIC, "n1") == ECHO


def test_another_key_another_nonce_and_a_changed_byte_are_told() -> None:
    other = Ed25519PrivateKey.generate()
    with pytest.raises(EchoError, match="another key"):
        opened(sealed(ECHO, other.public_key().public_bytes_raw().hex(), other.sign), PUBLIC, "n1")
    with pytest.raises(EchoError, match="signature is wrong"):
        opened(sealed(ECHO, PUBLIC, other.sign), PUBLIC, "n1")
    with pytest.raises(EchoError, match="another question"):
        opened(BLOB, PUBLIC, "n2")


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", b"[" * 100_000, b"{}", b"\xff", b" " * (MAX_SEALED + 1),
     msgspec.json.encode({"schema": "x", "key": PUBLIC, "signature": "zz", "echo": "!"})],
)  # fmt: skip
def test_what_is_no_echo_is_told_in_one_line(data: bytes) -> None:
    with pytest.raises(EchoError):
        opened(data, PUBLIC, "n1")
