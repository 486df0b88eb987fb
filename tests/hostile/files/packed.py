"""Small files that unpack to much: zeros without a line's end."""

from __future__ import annotations

import gzip
import lzma

import zstandard

from tests.hostile.files.written import holding

_MIB = bytes(1 << 20)


def _gzip() -> bytes:
    return gzip.compress(_MIB * 4) * 64  # members, one after the other


def _xz() -> bytes:
    return lzma.compress(_MIB * 64, preset=0)


def _zst() -> bytes:
    return zstandard.compress(_MIB * 256)


def _nested() -> bytes:
    return gzip.compress(gzip.compress(_MIB * 64))


def _window() -> bytes:
    """A frame that asks for a window of 2 GiB."""
    return bytes.fromhex("28b52ffd00a8") + bytes(100)


KINDS = {
    "bomb.gz": holding("bomb.gz", _gzip),
    "bomb.xz": holding("bomb.xz", _xz),
    "bomb.zst": holding("bomb.zst", _zst),
    "bomb.gz.gz": holding("bomb.gz.gz", _nested),
    "window.zst": holding("window.zst", _window),
    "cut.gz": holding("cut.gz", lambda: _gzip()[:2000]),
}
