"""A paste into a real terminal, up to ^D."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.loaded import alone_in

MESSAGE = b"curl: (60) SSL certificate problem: certificate has expired, https://shop.example.com"


class Terminal:
    """`tlsight explain` with a terminal for its input."""

    def __init__(self, folder: Path) -> None:
        self.ours, theirs = pty.openpty()
        self.before = termios.tcgetattr(self.ours)
        self.run = subprocess.Popen(
            [sys.executable, "-m", "detector", "explain"], stdin=theirs, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=os.environ | alone_in(folder), start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        assert self.run.stderr is not None
        self.prompt = self.run.stderr.readline()

    def paste(self, text: bytes) -> tuple[int, bytes]:
        """Exit code and what was told."""
        while text:
            ready, _, _ = select.select([self.ours], [self.ours], [], 20)[:3]
            if ready:
                os.read(self.ours, 65536)  # the echo
            text = text[os.write(self.ours, text[:512]) :]
        out, _ = self.run.communicate(timeout=30)
        return self.run.returncode, out

    def close(self) -> None:
        if self.run.poll() is None:
            self.run.kill()
        with self.run:  # closes its pipes
            os.close(self.ours)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    found = Terminal(tmp_path)
    yield found
    found.close()


def test_what_is_pasted_is_explained_and_the_marks_around_it_are_left_out(
    terminal: Terminal,
) -> None:
    assert b"paste the message, and end it with ^D" in terminal.prompt
    code, said = terminal.paste(b"\x1b[200~step 1\r" + MESSAGE + b"\x1b[201~\r\x04")
    assert code == 0
    assert said.split()[:2] == [b"likely", b"certificate-expired"]
    assert b"200~" not in said


def test_what_is_pasted_before_anybody_asked_is_read_too(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, MESSAGE + b"\r\x04")
    done = subprocess.run(
        [sys.executable, "-m", "detector", "explain"], stdin=theirs, capture_output=True,
        env=os.environ | alone_in(tmp_path), timeout=30,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0
    assert b"certificate-expired" in done.stdout


def test_a_line_that_no_terminal_would_hand_over_whole_is_read(terminal: Terminal) -> None:
    code, said = terminal.paste(b"x" * 6000 + b" " + MESSAGE + b"\r\x04")
    assert code == 0
    assert b"certificate-expired" in said


def test_the_terminal_is_as_it_was_after_an_interruption(terminal: Terminal) -> None:
    terminal.run.send_signal(signal.SIGINT)
    assert terminal.run.wait(20) == 130
    assert termios.tcgetattr(terminal.ours) == terminal.before
