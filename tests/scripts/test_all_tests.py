"""All streams run side by side, say what failed, and end together; with streams of our own in a process of its own."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
# Each says that it is there, and waits for the other: in turns neither would end by itself.
MEETING = "mkfifo -m 600 {own} 2> /dev/null; echo {own} > {other} & read it < {own}; echo met $it"
NO_NAMESPACES = subprocess.run(["sh", SCRIPTS / "alone.sh", "--possible"], cwd=ROOT).returncode != 0


def program(streams: dict[str, str], *, together: bool, lane: str = "") -> list[str]:
    """A run of these shell commands, all in this lane."""
    rows = ", ".join(
        f"{name!r}: Stream(('sh', '-c', {text!r}), lane={lane!r})" for name, text in streams.items()
    )
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from all_tests import Stream, run_all\n"
        f"sys.exit(run_all({{{rows}}}, together={together}))\n"
    )
    return [sys.executable, "-c", code]


def ran(
    streams: dict[str, str], *, together: bool = True, lane: str = ""
) -> subprocess.CompletedProcess[str]:
    words = program(streams, together=together, lane=lane)
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("together", [True, False])
def test_one_stream_that_fails_fails_the_whole_and_all_are_shown(together: bool) -> None:
    done = ran(
        {
            "good": "echo all well",
            "bad": "echo what is wrong >&2; exit 3",
            "last": "echo at the end",
        },
        together=together,
    )
    assert done.returncode == 3
    for said in ("all well", "what is wrong", "at the end", "bad FAILED with 3", "good passed"):
        assert said in done.stdout
    summary = done.stdout.splitlines()[-3:]
    assert sorted(line.split()[1] for line in summary) == ["bad", "good", "last"]


def test_streams_that_pass_pass() -> None:
    assert ran({"one": "true", "other": "true"}).returncode == 0


def test_a_stream_that_is_killed_fails_the_whole() -> None:
    assert ran({"one": "kill -9 $$", "other": "true"}).returncode == 9


def test_each_has_a_folder_of_its_own_and_leaves_nothing_there() -> None:
    done = ran({"one": "mkdir {folder}; echo at {folder}", "other": "mkdir {folder}"})
    assert done.returncode == 0
    (folder,) = re.findall(r"^at (.*)$", done.stdout, re.MULTILINE)
    assert not Path(folder).exists()


def test_they_run_at_the_same_time(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        os.mkfifo(path)
    done = ran(
        {
            "one": MEETING.format(own=one, other=other),
            "other": MEETING.format(own=other, other=one),
        }
    )
    assert done.returncode == 0
    assert done.stdout.count("\nmet ") == 2


@pytest.mark.parametrize(("together", "lane"), [(False, ""), (True, "one")])
def test_without_namespaces_or_in_one_lane_each_waits_for_the_one_before(
    together: bool, lane: str, tmp_path: Path
) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    one = f"touch {begun}; sleep 0.2; test ! -e {ended}"
    done = ran({"one": one, "two": f"touch {ended}; test -e {begun}"}, together=together, lane=lane)
    assert done.returncode == 0
    assert re.findall(r"^#+ (\w+) passed", done.stdout, re.MULTILINE) == ["one", "two"] * 2


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_what_is_stopped_leaves_nothing_running(by: signal.Signals, tmp_path: Path) -> None:
    pipe, cleaned = tmp_path / "pipe", tmp_path / "cleaned"
    os.mkfifo(pipe)
    waits = f"trap 'touch {cleaned}; exit 1' INT; echo $$ > {pipe}; while :; do sleep 0.1; done"
    child = f"sleep 300 & echo $! > {pipe}; wait"
    words = program({"waits": waits, "starts another": child}, together=True)
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as runner:
        started: list[int] = []
        while len(started) < 2:
            started += [os.pidfd_open(int(line)) for line in pipe.read_text().split()]
        runner.send_signal(by)
        assert runner.wait(60) == 130
    assert cleaned.exists()
    for process in started:  # a descriptor of a process can be read when it has ended
        assert select.select([process], [], [], 10)[0]
        os.close(process)


@pytest.mark.skipif(NO_NAMESPACES, reason="no network namespaces here")
def test_whoever_is_alone_sees_loopback_and_nobody_else(tmp_path: Path) -> None:
    words = ["sh", SCRIPTS / "alone.sh", "ip", "-brief", "address"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "127.0.0.1" in done.stdout
    own = Path("/proc/self/ns/net").readlink()
    words = ["sh", SCRIPTS / "alone.sh", "readlink", "/proc/self/ns/net"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() != str(own)


def test_a_worker_hands_over_its_failures_and_its_tables(tmp_path: Path) -> None:
    (tmp_path / "test_two.py").write_text(
        "from tests.live.conftest import TABLES\n"
        "def test_row():\n    TABLES['of a worker'] = {'a row': {'column': 'a cell'}}\n"
        "def test_wrong():\n    assert 'left' == 'right'\n"
    )
    words = [sys.executable, "-m", "pytest", "-n", "1", "-p", "tests.live.conftest", "--rootdir"]
    done = subprocess.run(
        [*words, tmp_path, "-p", "no:cacheprovider", tmp_path],
        cwd=ROOT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 1
    assert re.search(r"of a worker.*\n.*column.*\na row +a cell", done.stdout)
    assert "assert 'left' == 'right'" in done.stdout


def test_each_test_is_in_one_stream() -> None:
    """By its marks, which are looked for in the files of tests: a mark from elsewhere would leave it out of all."""
    marking: dict[str, set[Path]] = {"live": set(), "online": set()}
    for path in set(ROOT.glob("tests/**/*.py")) - {Path(__file__)}:
        text = path.read_text()
        for mark, files in marking.items():
            if f"mark.{mark}" in text:
                files.add(path)
                assert text.count(f"mark.{mark}") == text.count(f"pytest.mark.{mark}")
    assert {path.name.startswith("test_") for path in marking["live"]} == {True}
    assert set() < marking["online"] < marking["live"]  # else the unit tests would have them, too
