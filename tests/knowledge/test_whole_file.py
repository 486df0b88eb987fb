"""Files are written whole, by one process at a time where it asks."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import pytest

from detector.errors import StoreError
from detector.knowledge.whole_file import growing, locked, replacing, write_whole

NOBODY = 65534
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
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


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


Writer = Callable[[Path], AbstractContextManager[BinaryIO]]
WRITERS = (replacing, growing)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_planted_link_is_replaced_and_not_followed(writer: Writer, tmp_path: Path) -> None:
    secret, path = tmp_path / "secret", tmp_path / "report"
    secret.write_text("keep")
    path.symlink_to(secret)
    with writer(path) as file:
        file.write(b"report")
    assert (secret.read_text(), path.read_text(), path.is_symlink()) == ("keep", "report", False)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_link_that_leads_nowhere_makes_no_file_there(writer: Writer, tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.symlink_to(tmp_path / "elsewhere")
    with writer(path) as file:
        file.write(b"report")
    assert not (tmp_path / "elsewhere").exists()
    assert path.read_text() == "report"


def test_no_name_beside_it_can_be_guessed(tmp_path: Path) -> None:
    seen = set()
    for _ in range(3):
        with replacing(tmp_path / "report"):
            (beside,) = (one.name for one in tmp_path.iterdir() if one.name != "report")
            seen.add(beside)
    assert len(seen) == 3
    assert [one.name for one in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("old", [0o600, 0o640, 0o644, 0o664])
def test_the_mode_of_the_old_file_stays(writer: Writer, old: int, tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(old)
    with writer(path) as file:
        file.write(b"new")
        (open_one,) = (
            p for p in tmp_path.iterdir() if p.lstat().st_ino == os.fstat(file.fileno()).st_ino
        )
        assert mode(open_one) == old
    assert (path.read_text(), mode(path)) == ("new", old)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(("behind", "then"), [(0o600, 0o600), (0o640, 0o640), (0o666, 0o644)])
def test_in_the_place_of_a_link_no_file_is_wider_than_the_one_behind_it(
    writer: Writer, behind: int, then: int, tmp_path: Path
) -> None:
    real, path = tmp_path / "real.toml", tmp_path / "policy.toml"
    real.write_text("secret")
    real.chmod(behind)
    path.symlink_to(real)
    with writer(path) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == then
        file.write(b"secret and more")
    assert (mode(path), mode(real), real.read_text()) == (then, behind, "secret")


def test_what_is_private_is_private_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o666)
    write_whole(path, b"secret", 0o600)
    assert mode(path) == 0o600


@AS_ROOT
def test_a_file_that_another_user_laid_out_gives_nobody_the_right_to_write(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    os.chown(path, NOBODY, NOBODY)
    path.chmod(0o666)
    write_whole(path, b"new")
    assert (mode(path), path.stat().st_uid) == (0o644, 0)


def test_who_holds_the_old_file_open_sees_nothing_of_the_other(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    with path.open() as held, growing(path) as file:
        file.write(b"new")
        file.flush()
        assert (held.read(), path.read_text()) == ("old", "new")


def test_what_a_cut_run_has_written_stays_where_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "saved"

    def run() -> None:
        with growing(path) as file:
            file.write(b"one line\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert path.read_text() == "one line\n"


def test_an_exception_leaves_the_last_good_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("good")

    def run() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    assert path.read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


def test_devices_are_written_and_stay_what_they_are() -> None:
    write_whole(Path("/dev/null"), b"gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(StoreError, match="No space left"):
        write_whole(Path("/dev/full"), b"does not fit")


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("writer", ["replacing", "growing"])
def test_a_process_own_output_is_written_where_it_leads(
    place: str, writer: str, tmp_path: Path
) -> None:
    script = (
        f"from pathlib import Path; from detector.knowledge.whole_file import {writer}\n"
        f"with {writer}(Path({place!r})) as file: file.write(b'report')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=True
    )
    assert done.stdout == b"report"
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", script], stdout=out, timeout=30, check=True)
    assert (tmp_path / "out").read_bytes() == b"report"
    assert Path("/dev/stdout").is_symlink()


def test_a_pipe_of_ones_own_is_written(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    write_whole(path, b"through")
    reader.join(10)
    assert (read, path.is_fifo()) == ([b"through"], True)


@AS_ROOT
def test_a_pipe_of_another_user_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    os.chown(path, NOBODY, NOBODY)
    with pytest.raises(StoreError, match="neither a file nor a pipe of yours"):
        write_whole(path, b"secret")


def test_a_link_planted_in_shared_memory_is_no_device(tmp_path: Path) -> None:
    path = Path("/dev/shm") / f"tlsight-{os.getpid()}"
    (tmp_path / "secret").write_text("keep")
    path.symlink_to(tmp_path / "secret")
    try:
        write_whole(path, b"report")
        assert (tmp_path / "secret").read_text() == "keep"
    finally:
        path.unlink()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Is a directory"):
        write_whole(tmp_path, b"report")


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".pins.toml.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="cannot be made"), locked(tmp_path / "pins.toml"):
        pass
    assert not (tmp_path / "elsewhere").exists()
