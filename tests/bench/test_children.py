"""What the bench starts ends with it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.children import child

ROOT = Path(__file__).parents[2]
# A program that will not be asked to end, and has started another one.
STUBBORN = ["sh", "-c", "trap '' TERM; sleep 300 & echo $!; wait; wait"]


def runs(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ends(number: int) -> bool:
    deadline = time.monotonic() + 60
    while runs(number) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not runs(number)


def test_a_program_and_its_children_end_when_the_block_raises() -> None:
    numbers: list[int] = []

    def fails() -> None:
        with child(STUBBORN, stdout=subprocess.PIPE) as started:
            assert started.stdout is not None
            numbers.extend((started.pid, int(started.stdout.readline())))
            assert all(map(runs, numbers))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert all(map(ends, numbers))


def test_a_bench_that_is_told_to_end_ends_its_programs_first() -> None:
    script = (
        "import subprocess, sys; sys.path.insert(0, sys.argv[1])\n"
        "from bench.children import child, end_in_order\n"
        "end_in_order()\n"
        "with child(sys.argv[2:], stdout=subprocess.PIPE) as started:\n"
        "    print(started.stdout.readline().decode().strip(), flush=True)\n"
        "    started.wait()\n"
    )
    command = [sys.executable, "-c", script, str(ROOT), *STUBBORN]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as bench:
        assert bench.stdout is not None
        number = int(bench.stdout.readline())
        assert runs(number)
        bench.terminate()
        assert bench.wait(30) == 128 + 15
    assert ends(number)
