"""bash, zsh and fish complete tlsight as their users press TAB."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pexpect
import pytest

from detector import clock
from detector.knowledge.folders import HISTORY
from detector.knowledge.history import History
from tests.live.waiting import PATIENCE

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
BESIDE = Path(sys.executable).parent
PROMPT = "ready> "
# How each is started: with what our installation wrote into its start file, and nothing of this machine's.
STARTED = {
    "bash": ["--rcfile", "{home}/.bashrc", "-i"],
    "zsh": ["-i"],
    "fish": ["--interactive", "--init-command", "function fish_prompt; echo -n 'ready> '; end"],
}


class Shell:
    """A shell at a terminal, and the keys that are pressed there."""

    def __init__(self, name: str, home: Path) -> None:
        environment = {
            "HOME": str(home), "PATH": f"{BESIDE}:{os.environ['PATH']}", "TERM": "xterm", "LANG": "C.UTF-8",
            "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local/share"),
        }  # fmt: skip
        words = [word.format(home=home) for word in STARTED[name]]
        self._terminal = pexpect.spawn(
            shutil.which(name) or name, words, env=environment, cwd=home, encoding="utf-8",
            timeout=PATIENCE, dimensions=(50, 160),
        )  # fmt: skip
        self._terminal.delaybeforesend = 0.05
        self._terminal.expect_exact(PROMPT)

    def press(self, keys: str, wanted: str) -> None:
        """Type, and wait until the line or the list says so."""
        self._terminal.send(keys)
        self._terminal.expect_exact(wanted)

    def give_up(self) -> None:
        """Ctrl-C: an empty line."""
        self._terminal.send("\x03")
        self._terminal.expect_exact(PROMPT)

    def close(self) -> None:
        self._terminal.close(force=True)


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """With completion installed by the command itself."""
    name = request.param
    (tmp_path / ".bashrc").write_text(f"PS1='{PROMPT}'; bind 'set bell-style none'\n")
    (tmp_path / ".zshrc").write_text(f"PROMPT='{PROMPT}'; unsetopt beep zle_bracketed_paste\n")
    (tmp_path / "state" / "tlsight").mkdir(parents=True)
    History(tmp_path / "state" / "tlsight" / HISTORY, clock.now).close()
    with closing(sqlite3.connect(tmp_path / "state" / "tlsight" / HISTORY)) as store, store:
        store.execute(
            "INSERT INTO baseline (host, port, leaf_spki, seen) VALUES ('bank.example', 443, 'x', '2026')"
        )
    (tmp_path / "my-roots.pem").write_text("")
    subprocess.run(
        [BESIDE / "tlsight", "--install-completion", name],
        env={**os.environ, "HOME": str(tmp_path)}, check=True, capture_output=True,
    )  # fmt: skip
    opened = Shell(name, tmp_path)
    yield opened
    opened.close()


# What is typed, and what the line or the list then says; what follows the typed part is the shell's doing.
PRESSED = (
    ("tlsight diag\t", "diagnose"),
    ("tlsight check --compare-d\t", "--compare-direct"),
    ("tlsight check --starttls pos\t", "postgres"),
    ("tlsight check --fail-on=inter\t", "intercepted"),
    ("tlsight diagnose --for ngi\t", "nginx"),
    ("tlsight trust why github-c\t", "github-copilot"),
    ("tlsight lab serve expired-i\t", "expired-intermediate"),
    ("tlsight diagnose --expect certificate-rev\t", "certificate-revoked"),
    ("tlsight check ban\t", "bank.example"),
    ("tlsight explain --side ser\t", "server"),
    ("tlsight explain my-r\t", "my-roots.pem"),
    ("tlsight check --roots my-r\t", "my-roots.pem"),
    ("tlsight check --roots=my-r\t", "my-roots.pem"),
)  # fmt: skip


def test_tab_completes_verbs_options_and_values(shell: Shell) -> None:
    for typed, completed in PRESSED:
        begun = re.split(r"[ =]", typed.strip())[-1]
        shell.press(typed, completed.removeprefix(begun))
        shell.give_up()
