"""Files are written whole, by one process at a time where it asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from detector.errors import StoreError
from detector.knowledge.whole_file import locked, write_whole

# Reads a number, lingers, and writes the next one.
_COUNTS = """
import sys, time
from pathlib import Path
from detector.knowledge.whole_file import locked, write_whole
path = Path(sys.argv[1])
with locked(path):
    number = int(path.read_text())
    time.sleep(0.1)
    write_whole(path, str(number + 1).encode())
"""


def test_readers_that_write_again_do_so_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "count"
    write_whole(path, b"0")
    children = [subprocess.Popen([sys.executable, "-c", _COUNTS, str(path)]) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0] * 4
    assert path.read_text() == "4"


def test_a_lock_ends_with_its_block(tmp_path: Path) -> None:
    path = tmp_path / "count"
    write_whole(path, b"0")
    with pytest.raises(ZeroDivisionError), locked(path):
        raise ZeroDivisionError
    done = subprocess.run([sys.executable, "-c", _COUNTS, str(path)], timeout=30)
    assert (done.returncode, path.read_text()) == (0, "1")


def test_a_place_where_no_lock_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"), locked(tmp_path / "file" / "pins.toml"):
        pass
