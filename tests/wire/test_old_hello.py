"""SSL 2.0's form of a ClientHello, by which TLS was offered (RFC 5246 appendix E.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.wire.hello import parse_client_hello
from detector.wire.old_hello import read_old_hello


def old_hello(
    ciphers: bytes = b"\x00\x00\x2f\x01\x00\x80\x00\x00\x05",
    session: bytes = b"",
    challenge: bytes = bytes(range(1, 17)),
    version: bytes = b"\x03\x01",
) -> bytes:
    lengths = b"".join(len(part).to_bytes(2, "big") for part in (ciphers, session, challenge))
    body = b"\x01" + version + lengths + ciphers + session + challenge
    return (0x8000 | len(body)).to_bytes(2, "big") + body


def test_the_same_hello_comes_out_as_tls_has_it() -> None:
    data = old_hello()
    end, body = read_old_hello(data + b"\x16\x03\x01") or (0, b"")
    assert end == len(data)
    hello = parse_client_hello(body)
    assert hello.legacy_version == 0x0301
    assert hello.ciphers == (0x002F, 0x0005)  # 010080 is one of SSL 2.0's own
    assert hello.random == bytes(16) + bytes(range(1, 17))
    assert hello.extensions is None
    assert hello.sni is None


@pytest.mark.parametrize(
    "data",
    [
        old_hello()[:-1],
        old_hello(version=b"\x00\x02"),  # SSL 2.0 itself
        old_hello(ciphers=b""),
        old_hello(ciphers=b"\x00\x00\x2f\x00"),
        old_hello(session=b"five!"),
        old_hello(challenge=bytes(15)),
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\x00",
        b"\x80\x0b\x01\x03\x01\x00\x00\x00\x00\x00\x00\x00\x00",
        b"",
    ],
)
def test_what_is_not_quite_one_is_none(data: bytes) -> None:
    assert read_old_hello(data) is None


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_none(data: bytes) -> None:
    found = read_old_hello(b"\x80" + data)
    if found is not None:
        parse_client_hello(found[1])
