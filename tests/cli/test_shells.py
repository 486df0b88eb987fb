"""What `--install-completion` leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.cli.shells import SCRIPTS, install, script
from detector.errors import ConfigError
from tests.cli.conftest import Run


@pytest.mark.parametrize("shell", SCRIPTS)
def test_installed_twice_it_is_there_once(tmp_path: Path, shell: str) -> None:
    start = {"bash": ".bashrc", "zsh": ".zshrc"}.get(shell)
    if start:
        (tmp_path / start).write_text("alias ll='ls -l'")  # its last line has no end
    file, changed = install(shell, tmp_path)
    assert file.read_text() == script(shell)
    assert changed == (tmp_path / start if start else None)
    once = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert install(shell, tmp_path) == (file, None)
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == once
    if start:
        assert (tmp_path / start).read_text().splitlines()[0] == "alias ll='ls -l'"


def test_another_shell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is none of bash, zsh, fish"):
        install("tcsh", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_wrote(tlsight: Run, tmp_path: Path) -> None:
    done = tlsight("--install-completion", "bash", HOME=str(tmp_path))
    assert done.returncode == 0
    assert (
        f"{tmp_path}/.bash_completions/tlsight.sh completes tlsight; {tmp_path}/.bashrc reads it"
        in done.stdout
    )


def test_a_home_that_cannot_be_written_is_one_line(tlsight: Run, tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("no folder")
    done = tlsight("--install-completion", "fish", HOME=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
