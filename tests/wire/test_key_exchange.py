"""ServerKeyExchange in its kinds."""

from __future__ import annotations

import pytest

from detector.errors import WireError
from detector.wire.key_exchange import KeyExchange, parse_certificate_verify, parse_key_exchange

ECDHE_RSA, DHE_RSA, DH_ANON, PSK = 0xC02F, 0x009E, 0x0018, 0x00A8


def vec(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def test_an_elliptic_curve_is_told_with_its_signature() -> None:
    body = b"\x03\x00\x1d" + vec(1, bytes(32)) + b"\x08\x04" + vec(2, b"signature")
    assert parse_key_exchange(body, ECDHE_RSA, 0x0303) == KeyExchange(group=0x1D, scheme=0x0804)
    assert parse_key_exchange(body, ECDHE_RSA, 0x0301).scheme is None


def test_a_primes_size_is_told() -> None:
    prime = (1 << 1023) | 1
    body = vec(2, prime.to_bytes(128, "big")) + vec(2, b"\x02") + vec(2, b"\x05" * 128)
    assert parse_key_exchange(body + b"\x04\x01", DHE_RSA, 0x0303).dh_bits == 1024
    assert parse_key_exchange(body, DH_ANON, 0x0303) == KeyExchange(dh_bits=1024)


def test_other_kinds_say_nothing() -> None:
    assert parse_key_exchange(b"\x00\x04hint", PSK, 0x0303) == KeyExchange()
    assert parse_key_exchange(b"\x01explicit", ECDHE_RSA, 0x0303) == KeyExchange()


def test_what_is_cut_short_is_an_error_with_its_place() -> None:
    with pytest.raises(WireError, match="at byte"):
        parse_key_exchange(b"\x03\x00", ECDHE_RSA, 0x0303)
    with pytest.raises(WireError):
        parse_certificate_verify(b"\x08")
