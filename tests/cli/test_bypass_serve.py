"""`tlsight bypass serve` tells its token to a terminal, and to nothing that keeps what it is told."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@contextmanager
def serving(folder: Path, out: int) -> Generator[None]:
    words = ["bypass", "serve", "--listen", "127.0.0.1:0", "--store", folder / "b.sqlite3"]
    command = [sys.executable, "-m", "detector", *words]
    process = subprocess.Popen(command, stdout=out, stderr=out)
    os.close(out)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def read_until(descriptor: int, text: str) -> str:
    said = ""
    while text not in said:
        said += os.read(descriptor, 4096).decode()
    return said


@pytest.mark.parametrize("terminal", [True, False])
def test_a_pipe_is_told_where_the_tokens_are_and_a_terminal_the_token(
    tmp_path: Path, terminal: bool
) -> None:
    reading, out = pty.openpty() if terminal else os.pipe()
    with serving(tmp_path, out):
        said = read_until(reading, "review-metrics-token")
        (file,) = tmp_path.glob("review-token-*")
        metrics_file = tmp_path / "review-metrics-token"
        token, metrics = (one.read_text().strip() for one in (file, metrics_file))
        for one in (file, metrics_file):
            assert one.stat().st_mode & 0o777 == 0o600
    assert (token in said) == terminal
    assert metrics not in said
    assert f"token in {file}, which only you can read" in said
    assert not file.exists()
    os.close(reading)


def test_a_syslog_that_makes_no_sense_is_said_before_anything_is_served(
    tlsight: Run, tmp_path: Path
) -> None:
    done = tlsight(
        "bypass", "serve", "--listen", "127.0.0.1:0", TLSIGHT_BYPASS_SYSLOG="log.example"
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "'log.example' is no syslog; write unix:/dev/log" in done.stderr
    assert not (tmp_path / "state").exists()
