"""RFC 8879: what unpacks to the size that it tells is the message; nothing else is, and nothing grows beyond."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from detector.errors import WireError
from detector.wire.compressed_certificate import MAX_CERTIFICATE, unpacked_certificate

MESSAGE = bytes(range(256)) * 20
PACK: dict[int, Callable[[bytes], bytes]] = {
    1: zlib.compress,
    2: brotli.compress,
    3: zstandard.compress,
}
EACH = pytest.mark.parametrize("algorithm", PACK)


def packed(algorithm: int, data: bytes, size: int | None = None) -> bytes:
    told = (len(MESSAGE) if size is None else size).to_bytes(3)
    return algorithm.to_bytes(2) + told + len(data).to_bytes(3) + data


@EACH
def test_every_algorithm_unpacks(algorithm: int) -> None:
    assert unpacked_certificate(packed(algorithm, PACK[algorithm](MESSAGE))) == MESSAGE


@EACH
@pytest.mark.parametrize("size", [0, len(MESSAGE) - 1, len(MESSAGE) + 1, MAX_CERTIFICATE + 1])
def test_another_size_than_the_told_one_is_an_error(algorithm: int, size: int) -> None:
    with pytest.raises(WireError, match="certificate message"):
        unpacked_certificate(packed(algorithm, PACK[algorithm](MESSAGE), size))


@EACH
def test_a_bomb_ends_with_the_first_byte_too_many(algorithm: int) -> None:
    bomb = PACK[algorithm](bytes(1 << 24))
    assert len(bomb) < 1 << 15
    with pytest.raises(WireError, match="longer than"):
        unpacked_certificate(packed(algorithm, bomb))


@EACH
def test_what_is_cut_is_an_error_or_whole(algorithm: int) -> None:
    data = PACK[algorithm](MESSAGE)
    for end in range(0, len(data), 5):
        with contextlib.suppress(WireError):
            assert unpacked_certificate(packed(algorithm, data[:end])) == MESSAGE


@EACH
def test_bytes_that_are_not_packed_are_an_error(algorithm: int) -> None:
    with pytest.raises(WireError):
        unpacked_certificate(packed(algorithm, MESSAGE))


def test_an_unknown_algorithm_is_an_error() -> None:
    with pytest.raises(WireError, match="compression 4 is unknown"):
        unpacked_certificate(packed(4, b"x"))
