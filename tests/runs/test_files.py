"""Packed files: every kind, whole, cut, one after the other, and asking for too much memory."""

from __future__ import annotations

import gzip
import lzma
import struct
import zlib
from pathlib import Path

import pytest
import zstandard

from detector.errors import ConfigError
from detector.runs.files import damages, lines_of, opened

TEXT = b"a line of a log\n" * 10_000
PACKED = {
    "plain": TEXT, "gz": gzip.compress(TEXT), "xz": lzma.compress(TEXT), "zst": zstandard.compress(TEXT),
}  # fmt: skip


def read(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    with opened(str(path)) as file:
        return b"".join(iter(lambda: file.read(5000), b""))


@pytest.mark.parametrize("kind", PACKED)
def test_every_kind_is_unpacked(kind: str, tmp_path: Path) -> None:
    assert read(tmp_path / "file", PACKED[kind]) == TEXT


@pytest.mark.parametrize("between", [b"", b"\0" * 4, b"\0" * 70_000])
def test_streams_of_xz_follow_each_other(between: bytes, tmp_path: Path) -> None:
    packed = lzma.compress(b"one\n") + between + lzma.compress(b"two\n") + between
    assert read(tmp_path / "file", packed) == b"one\ntwo\n"


@pytest.mark.parametrize("kind", ["gz", "xz"])
def test_a_cut_file_is_told(kind: str, tmp_path: Path) -> None:
    with pytest.raises(damages()):
        read(tmp_path / "file", PACKED[kind][:-20])


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(b"short\n" + bytes(4 << 20)))
    with opened(str(path)) as file:
        lines = lines_of(file, "bomb.gz")
        assert next(lines) == b"short\n"
        with pytest.raises(ConfigError, match=r"bomb\.gz: a line of more than 1024 KiB"):
            next(lines)


def test_an_xz_file_that_wants_4_gb_of_memory_gets_none(tmp_path: Path) -> None:
    """The dictionary's size is one byte of the block's header (xz's format, section 5.3.1)."""
    packed = bytearray(lzma.compress(TEXT))
    end = 12 + (packed[12] + 1) * 4
    header = packed[12 : end - 4]
    header[header.index(b"\x21\x01") + 2] = 40
    packed[12:end] = header + struct.pack("<I", zlib.crc32(header))
    with pytest.raises(lzma.LZMAError, match=r"[Mm]emory"):
        read(tmp_path / "file", bytes(packed))


def test_a_line_that_never_ends_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"a\nb")
    with path.open("rb") as file:
        assert list(lines_of(file, "keys")) == [b"a\n", b"b"]
    with Path("/dev/zero").open("rb") as zeros, pytest.raises(ConfigError, match="1024 KiB"):
        next(lines_of(zeros, "zeros"))
