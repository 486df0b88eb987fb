"""The demonstration itself, with its real mitmproxies."""

import subprocess
import sys

import pytest


@pytest.mark.live
def test_every_row_is_as_expected() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "detector", "demo"], capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "33 rows, every row as expected" in done.stdout
    assert "✗" not in done.stdout
    assert "not tried" not in done.stdout


def test_a_row_that_differs_fails_the_demonstration() -> None:
    from detector.lab.expected import Row

    assert Row("x", "direct", "direct").holds
    assert not Row("x", "direct", "suspect").holds
    assert Row("x", "not tried: certutil is not installed", None).holds
