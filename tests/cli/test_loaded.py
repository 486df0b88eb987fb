"""A run that was forked is what a run that was started is: both ways held against each other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from detector import clock
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import loaded, running
from tests.cli.loaded import alone_in


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, **alone_in(tmp_path)}


@pytest.mark.parametrize(
    "words",
    [
        "--version", "--help", "no-such-verb", "check --no-such-option", "judge nothing-here",
        "explain certificate has expired", "check --no-store localhost:1", "rules", "lab --list",
        "diagnose --json --no-store localhost:1",
    ],
)  # fmt: skip
def test_a_forked_run_says_what_a_started_one_says(words: str, environment: dict[str, str]) -> None:
    assert loaded().can_fork(words.split(), environment)
    forked = loaded().run(words.split(), environment, 60)
    started = subprocess.run(
        [sys.executable, "-m", "detector", *words.split()],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, timeout=60,
    )  # fmt: skip
    assert forked.returncode == started.returncode
    assert masked(forked.stdout) == masked(started.stdout)
    assert masked(forked.stderr) == masked(started.stderr)


def masked(text: str) -> str:
    """Without what differs between any two runs: moments and durations."""
    return "".join("#" if sign.isdigit() else sign for sign in text).replace("#", "")


def test_a_run_has_its_callers_folder_and_environment(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here.ndjson").write_text("")
    said: list[str] = []
    for folder in (tmp_path, Path(__file__).parent):
        monkeypatch.chdir(folder)
        said.append(loaded().run(["judge", "here.ndjson"], environment, 60).stderr)
    assert "neither a saved observation nor a certificate" in said[0]
    assert "neither a saved observation nor a certificate" not in said[1]


def test_runs_at_once_do_not_mix(environment: dict[str, str]) -> None:
    pki = LabPki()
    with running(Origin({"localhost": pki.issue("localhost")})) as origin:

        def asked(number: int) -> str:
            words = ["check", "--json", "--no-store", "--connect", f"127.0.0.1:{origin.port}"]
            return loaded().run([*words, f"host{number}.test"], environment, 60).stdout

        with ThreadPoolExecutor(4) as pool:
            for number, said in enumerate(pool.map(asked, range(8))):
                assert f'"host{number}.test"' in said


def test_a_run_over_its_time_is_killed(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        peer = f"localhost:{silent.getsockname()[1]}"
        words = ["check", "--no-store", "--timeout", "50", peer]
        begun = clock.stopwatch()
        with pytest.raises(subprocess.TimeoutExpired):
            loaded().run(words, environment, 0.5)
        assert clock.stopwatch() - begun < 20


@pytest.mark.parametrize(
    ("changes", "can"),
    [
        ({"TLSIGHT_DEBUG": "1", "HTTPS_PROXY": "http://127.0.0.1:1", "COLUMNS": "80"}, True),
        ({"PYTHONWARNINGS": "error"}, False),
        ({"TZ": "Asia/Tokyo"}, False),
        ({"LC_ALL": "C"}, False),
        ({"OPENSSL_CONF": "/dev/null"}, False),
        ({"COVERAGE_PROCESS_START": "settings"}, False),
    ],
)
def test_what_is_read_before_the_command_begins_starts_it_in_full(
    changes: dict[str, str], can: bool
) -> None:
    plain = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    assert loaded().can_fork(["check"], plain | changes) is can
