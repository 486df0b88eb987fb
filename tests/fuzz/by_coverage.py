"""The coverage-guided engine: atheris over libFuzzer.

    python -m tests.fuzz.by_coverage --seconds 60 [--jobs N] [--keep] NAME...

Theory of operation
-------------------
To load everything with its lines counted takes ten times as long as to load it, so one process does that, and then
forks one for each target, which forks again: libFuzzer owns its process and ends it, so all that is known of a run
is what it printed and the inputs that it left behind.

With --keep another child tells which lines each input reached (libFuzzer's inner step of a merge); the shortest
inputs that between them reach all are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.target import LIMIT, MEMORY, Target, attempt

_SLOWER = 5  # instrumented code, against plain
_LEFT = Path("build/fuzz")
_LONGEST = 1 << 14


def is_here() -> bool:
    """Whether atheris is; it has wheels for Linux on x86-64 alone."""
    return importlib.util.find_spec("atheris") is not None


def fuzz(
    names: Sequence[str], seconds: float, jobs: int, *, keeping: bool = False
) -> Iterator[tuple[str, int, str]]:
    """Run targets, each for that long: name, inputs tried, and what went wrong or "", as they end.

    Args:
        names: of targets.
        seconds: of time on the clock, its samples included.
        jobs: targets at a time.
        keeping: write each corpus anew, with what reaches lines that nothing shorter reaches.

    """
    command = [sys.executable, "-m", "tests.fuzz.by_coverage", *(["--keep"] * keeping)]
    command += ["--seconds", f"{seconds:.0f}", "--jobs", str(jobs)]
    with subprocess.Popen([*command, *names], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            name, count, trouble = json.loads(line)
            yield name, count, trouble
    if process.returncode:
        raise RuntimeError(f"the engine ended with {process.returncode}")


def _main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, required=True)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--keep", action="store_true")
    options.add_argument("names", nargs="+", metavar="NAME")
    wanted = options.parse_args()
    target = _instrumented()
    _LEFT.mkdir(parents=True, exist_ok=True)
    running = 0
    for name in wanted.names:
        if running == wanted.jobs:
            os.wait()
            running -= 1

        def one(name: str = name) -> None:
            done = (name, *_run(name, target(name), wanted.seconds, wanted.keep))
            os.write(1, json.dumps(done).encode() + b"\n")

        _fork(one)
        running += 1
    for _ in range(running):
        os.wait()


def _instrumented() -> Callable[[str], Target]:
    """Targets by name, and everything that they import with its lines counted."""
    import atheris

    with redirect_stderr(io.StringIO()):  # a line a module
        # Some modules are imported where they are needed, so this stays for as long as the process lives.
        atheris.instrument_imports(include=["detector", "addons"]).__enter__()
        from tests.fuzz.targets import all_targets, target

        all_targets()
        return target


def _fork(do: Callable[[], None]) -> int:
    """Do it in a process of its own, whose number this is."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            do()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def _run(name: str, target: Target, seconds: int, keeping: bool) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as work:
        told, found = Path(work, "told"), Path(work, "found")
        found.mkdir()
        for data in (*target.samples, *corpus.kept(name), *corpus.finds(name)):
            (found / hashlib.sha256(data).hexdigest()[:40]).write_bytes(data)
        ended = _child(
            name, target, told, f"-max_total_time={seconds}", f"-artifact_prefix={_LEFT}/{name}-",
            f"-max_len={_LONGEST}", f"-rss_limit_mb={MEMORY >> 20}", "-timeout=300",
            "-print_final_stats=1", str(found),
        )  # fmt: skip
        text = told.read_text(errors="replace")
        counted = re.search(r"stat::number_of_executed_units: (\d+)", text)
        count = int(counted[1]) if counted else 0
        if ended:
            return count, _trouble(text)
        if keeping:
            corpus.keep(name, _least(name, target, found, told, Path(work, "control")))
        return count, ""


def _least(name: str, target: Target, found: Path, told: Path, control: Path) -> Iterator[bytes]:
    """Of inputs that are short enough, those that reach what no shorter one reaches."""
    inputs = {path: path.read_bytes() for path in found.iterdir()}
    order = sorted((len(data), str(path)) for path, data in inputs.items())
    paths = [path for size, path in order if 0 < size <= corpus.LONGEST]
    control.write_text("\n".join((str(len(paths)), "0", *paths)) + "\n")
    _child(name, target, told, "-merge_inner=1", f"-merge_control_file={control}")
    reached: set[str] = set()
    for line in control.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "FT":
            number, *features = rest.split()
            if not reached.issuperset(features):
                reached.update(features)
                yield inputs[Path(paths[int(number)])]


def _child(name: str, target: Target, told: Path, *options: str) -> int:
    """Run libFuzzer in a process of its own, what it says in a file; its exit code."""

    def run() -> None:
        with told.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        _fuzz(name, target, options)

    return os.waitstatus_to_exitcode(os.waitpid(_fork(run), 0)[1])


def _fuzz(name: str, target: Target, options: Sequence[str]) -> None:
    """Never returns."""
    import atheris

    if target.parse.__module__.startswith("tests."):  # what a target asks itself counts as well
        atheris.instrument_func(target.parse)

    count = 0

    def once(data: bytes) -> None:
        nonlocal count
        count += 1
        try:
            attempt(target.parse, data, LIMIT * _SLOWER)
        except BaseException:
            # atheris leaves by an exception of its own, past what libFuzzer says and writes at the end.
            left = _LEFT / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}"
            left.write_bytes(data)
            print(
                f"Test unit written to {left}\nstat::number_of_executed_units: {count}", flush=True
            )
            raise

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


def _trouble(text: str) -> str:
    """The error, where it was raised, and the file with the input."""
    error = re.search(r"(?m)^ *=== Uncaught Python exception: ===\n(.*)", text)
    error = error or re.search(r"(?m)^==\d+== ERROR: (.*)", text)
    place = re.findall(r'(?m)^  File "([^"]+)", line (\d+)', text.partition("\n\nTraceback")[0])
    left = re.search(r"Test unit written to (\S+)", text)
    said = error[1] if error else text[-500:]
    at = f" at {place[-1][0]}:{place[-1][1]}" if place else ""
    return f"{said}{at}; {left[1] if left else 'no input was left'}"


if __name__ == "__main__":
    _main()
