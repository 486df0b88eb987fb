"""`tlsight lab` as a user runs it, and `check` against what it serves."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def served(tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    """Two cases, served by the command itself."""
    command = [
        sys.executable, "-m", "detector", "lab", "serve", "expired", "healthy", "--json",
        "--dir", str(tmp_path / "lab"),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        yield [json.loads(lab.stdout.readline()) for _ in range(2)]
        lab.terminate()


def test_the_cases_are_listed_with_their_causes(tlsight: Run) -> None:
    done = tlsight("lab", "list")
    assert done.stdout.split()[:2] == ["expired", "certificate-expired"]
    records = [json.loads(line) for line in tlsight("lab", "list", "--json").stdout.splitlines()]
    told = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split()[0] for line in told] == [one["case"] for one in records]
    assert len(records) > 20
    assert {"case", "cause", "text"} == set(records[0])


def test_what_is_served_has_the_cause_it_says(
    tlsight: Run, served: list[dict[str, Any]], tmp_path: Path
) -> None:
    lab = ("--roots", tmp_path / "lab/root.pem", "--ct-logs", tmp_path / "lab/logs.json")
    for record in served:
        for verb in ("check", "diagnose"):
            done = tlsight(verb, *record["words"], "--json", *lab)
            causes = [cause["id"] for cause in json.loads(done.stdout)["causes"]] or ["healthy"]
            assert causes[0] == record["cause"]


def test_the_command_that_is_told_finds_the_cause(tlsight: Run, tmp_path: Path) -> None:
    with _lab(tmp_path / "a lab", "incomplete-chain") as line:
        done = tlsight(*shlex.split(line)[1:], "--json")
    assert json.loads(done.stdout)["causes"][0]["id"] == "incomplete-chain"


def test_for_several_cases_the_words_of_their_lines_fill_the_command(tmp_path: Path) -> None:
    with _lab(tmp_path / "lab", "expired", "healthy") as line:
        assert line.endswith(f"--ct-logs {tmp_path}/lab/logs.json WORDS")


@contextmanager
def _lab(folder: Path, *cases: str) -> Iterator[str]:
    """The command that the lab tells, while it serves."""
    command = [sys.executable, "-m", "detector", "lab", "serve", *cases, "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        told = next(line for line in lab.stdout if line.startswith("ask: "))
        yield told.removeprefix("ask: ").strip()
        lab.terminate()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_as_done(ending: signal.Signals, tmp_path: Path) -> None:
    """SIGTERM also where SIGINT is ignored, as in a script's background."""

    def as_started() -> None:
        ignored = ending == signal.SIGTERM
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)

    command = [sys.executable, "-m", "detector", "lab", "serve", "expired", "--json"]
    with subprocess.Popen(
        [*command, "--dir", str(tmp_path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, preexec_fn=as_started,  # noqa: PLW1509
    ) as lab:  # fmt: skip
        assert lab.stdout is not None
        assert lab.stderr is not None
        port = json.loads(lab.stdout.readline())["port"]
        lab.send_signal(ending)
        assert lab.wait(30) == 0
        assert lab.stderr.read() == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)


def test_a_case_that_cannot_be_served_here_is_told_and_the_others_are_served(
    tmp_path: Path,
) -> None:
    """192.0.2.1 is nobody's address; cases that bind no address of their own are served all the same."""
    command = [
        sys.executable, "-m", "detector", "lab", "serve", "expired", "refused", "--json",
        "--public-ip", "192.0.2.1", "--i-know-what-i-do", "--dir", str(tmp_path / "lab"),
    ]  # fmt: skip
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as lab:
        assert lab.stdout is not None
        assert lab.stderr is not None
        assert json.loads(lab.stdout.readline())["case"] == "refused"
        assert "tlsight: expired is not served" in lab.stderr.readline()
        lab.terminate()


def test_broken_servers_are_shown_to_others_only_on_purpose(tlsight: Run) -> None:
    done = tlsight("lab", "serve", "expired", "--public-ip", "0.0.0.0")
    assert done.returncode == 2
    assert "would show broken servers to others; add --i-know-what-i-do" in done.stderr


def test_a_case_that_is_none_is_a_usage_error(tlsight: Run) -> None:
    done = tlsight("lab", "serve", "nonsense")
    assert done.returncode == 2
    assert "see tlsight lab list" in done.stderr


def test_what_is_for_grading_is_refused_without(tlsight: Run) -> None:
    for words in (("--cert", "a.pem"), ("--key", "a.pem"), ("--port", "8443")):
        done = tlsight("lab", "serve", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--grade" in done.stderr
    alone = tlsight("lab", "serve", "--grade", "grade.test", "--key", "a.pem")
    assert (alone.returncode, "goes with --key" in alone.stderr) == (2, True)
