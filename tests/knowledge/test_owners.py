"""Whose settings count."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from detector.knowledge.owners import Distrusted, distrusted, is_ours, read_ours

ME = os.geteuid()
ALONE = 54321  # a group that the system does not know


def status(mode: int, uid: int = ME, gid: int = 0) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


def test_roots_and_ones_own_files_count() -> None:
    assert is_ours(0)
    assert is_ours(ME)
    for uid in (0, ME):
        for mode in (0o600, 0o640, 0o644):
            assert distrusted(status(mode, uid, 1)) is None


def test_another_users_file_does_not() -> None:
    other = 65534 if ME != 65534 else 12345
    assert "neither to root nor to you" in str(distrusted(status(0o600, other)))
    assert "user 54321" in str(distrusted(status(0o600, 54321)))


@pytest.mark.parametrize("mode", [0o602, 0o646, 0o666, 0o777])
def test_a_file_that_everybody_may_write_does_not(mode: int) -> None:
    assert distrusted(status(mode)) == "everybody may write it"


def test_a_group_of_ones_own_and_roots_may_write() -> None:
    assert distrusted(status(0o664, ME, 0)) is None
    assert distrusted(status(0o664, ME, ALONE)) is None


def test_a_group_with_others_in_it_may_not() -> None:
    import pwd

    stranger = next(one for one in pwd.getpwall() if one.pw_uid not in (0, ME) and one.pw_gid)
    why = distrusted(status(0o664, ME, stranger.pw_gid))
    assert str(why).endswith(" may write it")
    assert str(why).startswith("the group ")


def test_only_files_are_read_and_no_pipe_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10)
    assert read_ours(tmp_path / "file", 4) == b"x" * 5
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises((Distrusted, IsADirectoryError)):
            read_ours(tmp_path / name, 4)
    (tmp_path / "file").chmod(0o666)
    with pytest.raises(Distrusted, match="everybody"):
        read_ours(tmp_path / "file", 4)
