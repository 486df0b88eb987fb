"""The demonstration itself, with its real mitmproxies."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.live
def test_every_row_is_as_expected() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "detector", "demo"], capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "34 rows, every row as expected" in done.stdout
    assert "✗" not in done.stdout
    assert "not tried" not in done.stdout


@pytest.mark.live
def test_ended_by_sigterm_it_leaves_no_process_behind() -> None:
    """As a job in the background, whose SIGINT is ignored."""

    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    with subprocess.Popen(
        [sys.executable, "-m", "detector", "demo"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=ignore,  # noqa: PLW1509
    ) as demo:  # fmt: skip
        listing = Path(f"/proc/{demo.pid}/task/{demo.pid}/children")
        children: list[str] = []
        deadline = time.monotonic() + 60
        while not children and time.monotonic() < deadline:
            children = listing.read_text().split()
            time.sleep(0.05)
        demo.terminate()
        assert demo.wait(60) == 130
    assert children
    deadline = time.monotonic() + 10  # whoever inherits the dead has to bury them
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_row_that_differs_fails_the_demonstration() -> None:
    from detector.lab.expected import ExpectedRow

    assert ExpectedRow("x", "direct", "direct").holds
    assert not ExpectedRow("x", "direct", "suspect").holds
    assert ExpectedRow("x", "not tried: certutil is not installed", None).holds
