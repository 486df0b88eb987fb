"""Bytes that an agent says it used, beside what the kernel says went over a network that nobody else is in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.programs import find

pytestmark = pytest.mark.live


@pytest.mark.parametrize("way", ["http", "nats"])
def test_what_is_counted_is_what_the_kernel_counts_within_a_sixth_and_nothing_is_complained_of(
    way: str, tmp_path: Path
) -> None:
    alone = f"ip link set lo mtu 1500 up && exec {sys.executable} -m tests.live.counted_bytes {way} {tmp_path}"
    done = subprocess.run(
        [find("unshare"), "-n", "sh", "-c", alone],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["kernel"] > 50_000
    assert abs(said["ours"] / said["kernel"] - 1) < 1 / 6, said
    assert done.stderr == ""
