"""Files of the user that may be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.errors import ConfigError, StoreError
from detector.stores.own_files import (
    files_of_kinds,
    own_home,
    rc_file,
    settings_file,
    shell_of,
    writable,
)


@pytest.mark.parametrize("home", ["", "/nowhere", "/etc/passwd"])
def test_without_a_home_there_is_one_line(home: str) -> None:
    with pytest.raises(ConfigError):
        own_home({"HOME": home} if home else {})


def test_each_shell_has_its_start_file(tmp_path: Path) -> None:
    assert own_home({"HOME": str(tmp_path)}) == tmp_path
    assert shell_of({"SHELL": "/usr/bin/zsh"}) == "zsh"
    assert shell_of({"SHELL": "/bin/dash"}) == shell_of({}) == "sh"
    assert rc_file(tmp_path, "bash") == tmp_path / ".bashrc"
    assert rc_file(tmp_path, "fish").name == "tlsight.fish"
    with pytest.raises(ConfigError, match="none of"):
        rc_file(tmp_path, "csh")


def test_lines_go_behind_files_that_stand_line_by_line_alone(tmp_path: Path) -> None:
    assert settings_file(tmp_path, "~/.curlrc") == tmp_path / ".curlrc"
    for other in ("~/.claude/settings.json", "/etc/nix/nix.conf", "the dialog", "~/.kube/config"):
        assert settings_file(tmp_path, other) is None


def test_files_of_a_kind_are_named_whether_they_are_there_or_not(tmp_path: Path) -> None:
    own = str(tmp_path / "own")
    found = files_of_kinds(tmp_path, frozenset(("git",)), {"GIT_CONFIG_GLOBAL": own})
    assert found[:2] == [Path(own), tmp_path / ".gitconfig"]
    assert all(path.is_relative_to(tmp_path) for path in found)


def test_a_link_is_followed_inside_the_home_and_nowhere_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "dotfiles").mkdir(parents=True)
    (home / "dotfiles/bashrc").write_text("x")
    (home / ".bashrc").symlink_to("dotfiles/bashrc")
    assert writable(home / ".bashrc", home) == (home / "dotfiles/bashrc", b"x")
    (tmp_path / "outside").write_text("y")
    (home / ".zshenv").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError, match="leads out of the home"):
        writable(home / ".zshenv", home)
    (home / ".profile").symlink_to(".profile")
    with pytest.raises(StoreError):
        writable(home / ".profile", home)


def test_what_is_not_to_be_written_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert writable(path, tmp_path) == (path, None)
    path.write_text("x")
    path.chmod(0o444)
    with pytest.raises(StoreError, match="read-only"):
        writable(path, tmp_path)
    with pytest.raises(StoreError, match="is no file"):
        writable(tmp_path, tmp_path)
