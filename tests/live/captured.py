"""A real capture of loopback while something happens, and how it is read."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from detector.forensics.judged import JudgedConnection
from detector.forensics.story import CaptureStory
from detector.known.knowledge import Knowledge
from detector.runs.captures import CaptureRun
from tests.live.programs import find

_SETTLE = 1.3  # the kernel hands packets over in blocks, at the latest after a second


@contextmanager
def tcpdump(path: Path, expression: str = "tcp or udp") -> Generator[None]:
    """Everything on loopback goes to `path`, until the block is left."""
    command = [
        find("tcpdump"), "-i", "lo", "-U", "-B", "65536", "-Z", "root", "-w", str(path), expression,
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE) as program:
        assert program.stderr is not None
        program.stderr.readline()  # "listening on"
        try:
            yield
            written = -1
            while (size := path.stat().st_size) != written:  # a busy machine hands over later
                written = size
                time.sleep(_SETTLE)
        finally:
            program.terminate()
            said = program.stderr.read().decode()
            program.wait(60)
    assert "0 packets dropped by kernel" in said, said


def read(
    path: Path,
    known: Knowledge,
    keys: Path | None = None,
    agent: str | None = None,
    ports: tuple[int, ...] = (),
) -> tuple[list[JudgedConnection], CaptureStory]:
    """Every connection of a capture, judged, and what they amount to."""
    keylogs = (keys,) if keys is not None and keys.exists() else ()
    run = CaptureRun(files=(str(path),), keylogs=keylogs, agent=agent, ports=ports)
    reading = run.begin(known)
    return list(reading.keep()), reading.story
