"""As many targets at once as there are file descriptors for, in processes with few of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from detector.net.descriptors import room


def told(limits: str, expression: str) -> list[int]:
    script = f"from detector.net.descriptors import make_room, room; print(*{expression})"
    done = subprocess.run(
        ["bash", "-c", f'{limits}; exec {sys.executable} -c "$0"', script],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    return [int(word) for word in done.stdout.split()]


def test_there_is_always_room_for_one() -> None:
    assert told("ulimit -n 8", "[room()]") == [1]


def test_few_descriptors_are_few_targets() -> None:
    (found,) = told("ulimit -n 100", "[room()]")
    assert 15 <= found <= 23


def test_a_soft_limit_is_raised_as_far_as_it_goes_and_no_further_than_needed() -> None:
    code = "[room(), make_room(100), room()]"
    before, made, after = told("ulimit -Sn 64; ulimit -Hn 4096", code)
    assert (before < 20, made, 100 <= after < 110) == (True, 100, True)
    before, made, after = told("ulimit -n 64", code)
    assert before == made == after < 20


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_what_is_open_already_counts() -> None:
    before = room()
    files = [open("/dev/null") for _ in range(40)]  # noqa: SIM115, PTH123
    try:
        assert room() == before - 10
    finally:
        for file in files:
            file.close()
