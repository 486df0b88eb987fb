"""Files are read up to a limit, whatever they say of their size."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from detector.knowledge import bounded

ENDLESS = Path("/dev/zero")


def test_a_file_within_its_limit_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert bounded.whole(path, 3) == b"abc"
    assert bounded.beginning(path, 2) == b"ab"


def test_a_device_without_end_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="larger than 2 MiB") as found:
        bounded.whole(ENDLESS, 2 << 20)
    assert found.value.errno == errno.EFBIG
    assert found.value.filename == str(ENDLESS)
    assert bounded.beginning(ENDLESS, 4) == bytes(4)


def test_lines_are_read_one_by_one_and_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("a\nbb\nccc")
    with path.open() as file:
        assert list(bounded.lines(file, path, 3)) == ["a\n", "bb\n", "ccc"]
    with path.open() as file, pytest.raises(OSError, match="a line longer than 0 KiB"):
        list(bounded.lines(file, path, 2))
    with ENDLESS.open("rb") as zeros, pytest.raises(OSError, match="a line longer than 64 KiB"):
        next(bounded.lines(zeros, ENDLESS))
