"""`tlsight explain --clipboard` on a desktop of Xvfb, where real programs copied the text."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli.loaded import alone_in
from tests.live.programs import find

pytestmark = pytest.mark.live
MESSAGE = "curl: (60) SSL certificate problem: certificate has expired, https://shop.example.com\n"
COPY = {
    "xclip": ("-selection", "clipboard", "-in", "-loops", "1"),
    "xsel": ("--clipboard", "--input"),
}
_QUIET = subprocess.DEVNULL


@pytest.fixture(scope="module")
def display() -> Generator[str]:
    reading, writing = os.pipe()
    words = [
        find("Xvfb"),
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        "640x480x8",
        "-nolisten",
        "tcp",
    ]
    with subprocess.Popen(words, stdout=_QUIET, stderr=_QUIET, pass_fds=(writing,)) as screen:
        os.close(writing)
        with os.fdopen(reading) as number:
            yield f":{number.readline().strip()}"
        screen.terminate()


@pytest.mark.parametrize("copied_by", ["xclip", "xsel"])
@pytest.mark.parametrize("read_by", ["xclip", "xsel"])
def test_what_was_copied_is_explained(
    display: str, tmp_path: Path, copied_by: str, read_by: str
) -> None:
    session = alone_in(tmp_path) | {"DISPLAY": display}
    subprocess.run(
        [find(copied_by), *COPY[copied_by]], input=MESSAGE, text=True, env=session, check=True,
        stdout=_QUIET, stderr=_QUIET, timeout=60,
    )  # fmt: skip
    (tmp_path / read_by).symlink_to(find(read_by))
    done = subprocess.run(
        [sys.executable, "-m", "detector", "explain", "-c"],
        capture_output=True, text=True, timeout=60, env=session | {"PATH": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[:2] == ["likely", "certificate-expired"]


def test_an_empty_clipboard_is_one_line(display: str, tmp_path: Path) -> None:
    session = alone_in(tmp_path) | {"DISPLAY": display}
    subprocess.run([find("xsel"), "--clipboard", "--clear"], env=session, check=True, timeout=60)
    done = subprocess.run(
        [sys.executable, "-m", "detector", "explain", "--clipboard"],
        capture_output=True, text=True, timeout=60, env=session,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
