"""A file for one user alone, whoever put what in its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from addons.store.private_file import read_private, write_private
from detector.errors import StoreError


def test_it_is_written_whole_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    assert read_private(path) is None
    for content in (b"one", b"two"):
        write_private(path, content)
        assert read_private(path) == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


def test_a_link_in_its_place_is_neither_read_nor_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    victim.chmod(0o600)
    path = tmp_path / "secret"
    path.symlink_to(victim)
    with pytest.raises(StoreError, match="cannot be read"):
        read_private(path)
    write_private(path, b"ours")
    assert victim.read_text() == "theirs"
    assert not path.is_symlink()


def test_what_others_can_read_is_no_secret_and_a_pipe_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0o644)
    with pytest.raises(StoreError, match="others can read it; chmod 600"):
        read_private(path)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(StoreError, match="is no file"):
        read_private(path)


def test_a_place_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written: "):
        write_private(tmp_path / "file" / "secret", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        write_private(tmp_path / "folder", b"x")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder"]
