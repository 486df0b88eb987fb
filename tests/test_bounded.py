"""Files are read up to a limit, whatever they are."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from detector.bounded import read_bounded, read_regular, read_whole

ENDLESS = Path("/dev/zero")


def test_no_more_is_read_than_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abcdef")
    for read in (read_bounded, read_regular):
        assert read(path, 4) == b"abcd"
        assert read(path, 400) == b"abcdef"


def test_what_has_no_end_ends_at_the_limit() -> None:
    assert read_bounded(ENDLESS, 1000) == bytes(1000)


def test_what_was_found_and_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(ENDLESS)
    for name in ("pipe", "link", "."):
        with pytest.raises(OSError, match=r"no file|directory"):
            read_regular(tmp_path / name, 1000)


def test_a_pipe_that_the_caller_named_is_read() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"through")
    os.close(writer)
    assert read_bounded(Path(f"/dev/fd/{reader}"), 100) == b"through"
    os.close(reader)


def test_what_is_read_whole_is_refused_beyond_its_limit_and_never_cut(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(1 << 20))
    assert len(read_whole(path, 1 << 20)) == 1 << 20
    with path.open("ab") as file:
        file.write(b"x")
    for large in (path, ENDLESS):
        with pytest.raises(OSError, match="larger than 1 MiB") as found:
            read_whole(large, 1 << 20)
        assert found.value.errno == errno.EFBIG
