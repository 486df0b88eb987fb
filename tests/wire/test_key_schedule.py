"""The key schedule against RFC 8448's trace, and against OpenSSL."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes

from detector.errors import WireError
from detector.wire import key_schedule as k

# RFC 8448 section 3: the early secret without a PSK, and what is derived from it.
EARLY = bytes.fromhex("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a")
DERIVED = bytes.fromhex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba")


def test_the_early_secret_is_that_of_rfc_8448() -> None:
    sha256 = hashes.SHA256()
    assert k.extract(sha256, bytes(32), bytes(32)) == EARLY
    empty = k._digest(sha256, b"")
    assert k.expand_label(sha256, EARLY, b"derived", empty, 32) == DERIVED


def test_a_record_that_was_not_made_for_us_is_an_error() -> None:
    opener = k.server_handshake_reader(0x1301, bytes(32), b"hellos")
    with pytest.raises(WireError, match="cannot be decrypted at byte 7"):
        opener.open(bytes(40), 7)


def test_only_the_suites_of_tls13_can_be_read() -> None:
    assert all(k.can_read(suite) for suite in (0x1301, 0x1302, 0x1303))
    assert not k.can_read(0xC02F)
