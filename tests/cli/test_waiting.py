"""The line that says what is waited for: on a terminal, beneath what is printed, and gone at the end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from detector.cli.waiting import Waiting

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no pseudo terminals")
NAMED = re.compile(rb"[|/\\-] waiting for 127\.0\.0\.1:\d+ to answer, \d s")


class Silent:
    """A host that takes connections and says nothing, until it is gone."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.at = f"127.0.0.1:{self._server.getsockname()[1]}"

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    with closing(Silent()) as host:
        yield host


class Terminal:
    """A run of the command, with what it writes to a terminal of 80 columns."""

    def __init__(
        self,
        folder: Path,
        *words: object,
        stdout: int | None = None,
        patience: float | None = None,
        **more: str,
    ) -> None:
        import pty

        self._ours, its = pty.openpty()
        clean = {
            k: v for k, v in os.environ.items() if k != "NO_COLOR" and "proxy" not in k.lower()
        }
        home = {"XDG_STATE_HOME": str(folder), "COLUMNS": "80", "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            [sys.executable, *started(patience), *map(str, words)], stdin=subprocess.DEVNULL,
            stdout=its if stdout is None else stdout, stderr=its, env=clean | home | more,
        )  # fmt: skip
        os.close(its)
        self.said = b""

    def read_until(self, pattern: re.Pattern[bytes]) -> None:
        until = time.monotonic() + 45
        while not pattern.search(self.said):
            assert time.monotonic() < until, self.said
            self.said += os.read(self._ours, 65536)

    def finish(self) -> str:
        """All that was written, and then what is left to be seen of it."""
        with suppress(OSError):  # Linux says EIO where the other end is closed
            while part := os.read(self._ours, 65536):
                self.said += part
        os.close(self._ours)
        self.process.wait(30)
        return left(self.said.decode())


def started(patience: float | None) -> list[str]:
    """How Python starts the command, with another patience than its own."""
    if patience is None:
        return ["-m", "detector"]
    code = f"from detector.cli import main, waiting; waiting.PATIENCE = {patience}; main()"
    return ["-c", code]


def left(said: str) -> str:
    """What a terminal shows at the end: a carriage return goes back, blanks cover what was there."""
    lines = []
    for line in said.replace("\r\n", "\n").split("\n"):
        cells: list[str] = []
        at = 0
        for character in re.sub(r"\x1b\[[\d;]*m", "", line):
            if character in "\r\b":
                at = 0 if character == "\r" else at - 1
                continue
            cells[at : at + 1] = [character]
            at += 1
        lines.append("".join(cells).rstrip())
    return "\n".join(lines)


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("diagnose",),
        ("trust", "why", "pip"),
        ("pins", "learn", "--pins", "pins.toml"),
    ],
    ids=" ".join,
)
def test_a_silent_host_is_named_while_it_is_waited_for(
    words: tuple[str, ...], silent: Silent, tmp_path: Path
) -> None:
    ran = Terminal(tmp_path, *words, "--timeout", "50", silent.at)
    ran.read_until(NAMED)
    silent.close()
    text = ran.finish()
    assert "waiting for" not in text
    assert silent.at in text


def test_results_stand_above_the_line_and_it_counts_them(silent: Silent, tmp_path: Path) -> None:
    ran = Terminal(tmp_path, "check", "--timeout", "50", "127.0.0.1:1", silent.at)
    ran.read_until(re.compile(rb"checked 1 of 2, waiting for 127\.0\.0\.1:\d+ to answer"))
    silent.close()
    text = ran.finish()
    assert "waiting for" not in text
    assert re.search(r"^INCONCLUSIVE  127\.0\.0\.1:1 ", text, re.MULTILINE)
    assert text.endswith("2 targets: 2 inconclusive\n")


def test_nothing_is_shown_of_a_run_that_ends_within_patience(
    silent: Silent, tmp_path: Path
) -> None:
    ran = Terminal(tmp_path, "check", "--timeout", "1", silent.at, patience=600)
    assert "1 s" in ran.finish()
    assert b"waiting" not in ran.said
    assert b"\b" not in ran.said


@pytest.mark.parametrize("why", ["--json", "dumb", "piped"])
def test_nothing_is_shown_where_nobody_looks(why: str, silent: Silent, tmp_path: Path) -> None:
    words = ["check", "--timeout", "0.8", silent.at]
    more = {"TERM": "dumb"} if why == "dumb" else {}
    if why == "piped":
        with (tmp_path / "out").open("wb") as file:
            ran = Terminal(tmp_path, *words, stdout=file.fileno(), **more)
            ran.finish()
        assert ran.said == b""
        return
    ran = Terminal(tmp_path, *words, *(["--json"] if why == "--json" else []), **more)
    ran.finish()
    assert b"waiting for" not in ran.said


def test_an_interrupt_takes_it_away(silent: Silent, tmp_path: Path) -> None:
    ran = Terminal(tmp_path, "check", "--timeout", "50", silent.at)
    ran.read_until(NAMED)
    ran.process.send_signal(signal.SIGINT)
    text = ran.finish()
    assert "waiting" not in text
    assert text.splitlines()[-1] == "tlsight: interrupted"
    assert ran.process.returncode == 130


def test_a_file_that_takes_long_is_named(tmp_path: Path) -> None:
    fifo = tmp_path / "error.log"
    os.mkfifo(fifo)
    ran = Terminal(tmp_path, "logs", fifo)
    with fifo.open("w") as file:
        ran.read_until(re.compile(rb"reading .*, \d s"))
        file.write("nothing that is known\n")
    assert "reading" not in ran.finish()


def test_the_line_tells_what_how_many_and_how_long() -> None:
    start = 100.0
    words = "waiting for {} to answer"
    one = Waiting(words, shown=False, done="checked", stopwatch=lambda: start)
    assert one.line(0) == ""
    with one.on("a.com:443"):
        assert one.line(start + 3.2) == "waiting for a.com:443 to answer, 3 s"
        with one.on("b.com:443"):
            assert one.line(start + 4) == "waiting for a.com:443 and 1 more to answer, 4 s"
        one.note("7 connections")
        told = "checked 1, waiting for a.com:443 to answer, 7 connections, 5 s"
        assert one.line(start + 5.1) == told
    with one.on("/var/log/" + "folder/" * 20 + "error.log"):
        short = one.line(start, 70)
        assert len(short) == 70
        assert re.search(r"waiting for /var/.*\.\.\..*\.log to answer, 7 connections, 0 s$", short)
    with one.on("evil\x1b[2J\n.com"):
        assert "\x1b" not in one.line(start)
        assert "\n" not in one.line(start)
