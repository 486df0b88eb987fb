"""CompressedCertificate (RFC 8879): a Certificate message unpacked, never larger than it says and than is sensible.

A peer may claim any size and pack a gigabyte into a kilobyte, so each decoder gives out a bounded piece at a time, and
the first byte too many ends it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from detector.errors import WireError
from detector.wire.reader import Reader

MAX_CERTIFICATE = 1 << 17
ALGORITHMS = {1: "zlib", 2: "brotli", 3: "zstd"}
_PIECE = 1 << 14


def unpacked_certificate(body: bytes, base: int = 0) -> bytes:
    """The body of the Certificate message. Raises WireError for what does not unpack to the size that it tells."""
    read = Reader(body, base)
    algorithm = read.uint(2, "compression algorithm")
    size = read.uint(3, "uncompressed length")
    packed = read.vector(3, "compressed certificate message").rest()
    read.done("compressed certificate message")
    unpack = _UNPACK.get(algorithm)
    if unpack is None:
        raise WireError(f"certificate compression {algorithm} is unknown", base)
    if size > MAX_CERTIFICATE:
        raise WireError(f"certificate message of {size} bytes", base + 2)
    found = bytearray()
    for piece in unpack(packed):
        found += piece
        if len(found) > size:
            raise WireError(f"certificate message is longer than its {size} bytes", base + 2)
    if len(found) != size:
        raise WireError(f"certificate message has {len(found)} bytes instead of {size}", base + 2)
    return bytes(found)


def _zlib(packed: bytes) -> Iterator[bytes]:
    reader = zlib.decompressobj()
    try:
        while not reader.eof and (packed or reader.unconsumed_tail):
            yield reader.decompress(packed, _PIECE)
            if packed == (packed := reader.unconsumed_tail):
                break
    except zlib.error as error:
        raise WireError(f"zlib: {error}", 0) from None


def _brotli(packed: bytes) -> Iterator[bytes]:
    import brotli

    reader = brotli.Decompressor()
    try:
        # Byte by byte, because older releases know no limit for what one call gives out.
        for at in range(len(packed)):
            yield reader.process(packed[at : at + 1])
    except brotli.error as error:
        raise WireError(f"brotli: {error}", 0) from None


def _zstd(packed: bytes) -> Iterator[bytes]:
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=1 << 23).stream_reader(packed)
    try:
        while piece := reader.read(_PIECE):
            yield piece
    except zstandard.ZstdError as error:
        raise WireError(f"zstd: {error}", 0) from None


_UNPACK: dict[int, Callable[[bytes], Iterator[bytes]]] = {1: _zlib, 2: _brotli, 3: _zstd}
