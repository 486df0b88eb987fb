"""All tests, side by side: those that start programs of others mostly wait, and the unit tests compute.

    .venv/bin/python scripts/all_tests.py                     every test once
    .venv/bin/python scripts/all_tests.py --also oldest       and what `make oldest` runs
    .venv/bin/python scripts/all_tests.py live sample         these of STREAMS

A network namespace for each process keeps the packets of the ones out of the captures of the others. Where there are
none, the streams run one after the other. What each said is shown in one piece when it has ended, and the exit code is
that of the worst.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALONE = ("sh", "scripts/alone.sh")
# Whoever shares two cores with five others takes longer than alone. Each stream has a folder of its own: a pytest that
# starts closes the common one to the servers that have given up root.
# What takes longest is told: the whole has to fit a CI's patience.
PYTEST = (
    "-m", "pytest", "--timeout", "300", "--durations", "15", "--durations-min", "5",
    "--basetemp", "{folder}",
)  # fmt: skip
PYTHON = ".venv/bin/python"
# How long a stream may take to put away what it started, once it is told to stop.
_PATIENCE = 30.0


@dataclass(frozen=True)
class Stream:
    """One command that runs tests.

    Attributes:
        command: its words, {folder} for one that it may make; it runs in ROOT.
        together: words to add where there are namespaces.
        nice: how far it stands back for the others: tests that wait need a core the moment they wake.
        lane: streams of one lane run one after the other; one of none runs beside all.

    """

    command: tuple[str, ...]
    together: tuple[str, ...] = ()
    nice: int = 0
    lane: str = ""


def marked(mark: str) -> list[str]:
    """Files with a test so marked: collecting all the others takes longer than half of these."""
    files = sorted(ROOT.glob("tests/**/test_*.py"))
    found = (one for one in files if f"pytest.mark.{mark}" in one.read_text())
    return [str(one.relative_to(ROOT)) for one in found]


def workers(number: int) -> tuple[str, ...]:
    """Each takes a whole file after the other, since it keeps what the fixtures of a file hold."""
    python = " ".join((*ALONE, PYTHON))
    return "--dist", "loadfile", "--tx", f"{number}*popen//python={python}"


# Those that compute take turns: all at once they would only take the cores from those that wait for programs.
COMPUTING = "computing"
STREAMS = {
    # More of them would wait for the two cores of a small machine more than for what they started.
    "live": Stream((PYTHON, *PYTEST, "-m", "live and not online", *marked("live")), workers(2)),
    # Nothing leads out of a namespace; none of these captures packets.
    "online": Stream((PYTHON, *PYTEST, "-m", "online", *marked("online"))),
    # Two, so that both cores are used when the live tests have ended.
    "unit": Stream(
        (*ALONE, PYTHON, *PYTEST, "-m", "not live"), workers(2), nice=10, lane=COMPUTING
    ),
    "oldest": Stream(("make", "oldest", "FOLDER={folder}"), lane=COMPUTING),
    # `make unit PYTHON=3.12` runs all of them.
    "sample": Stream(
        (*ALONE, ".venv-3.12/bin/python", *PYTEST, "-m", "not live", "--every", "40"),
        nice=5,
        lane=COMPUTING,
    ),
}


# Each test is in one of these.
EVERY_TEST = ["live", "online", "unit"]


@dataclass
class Running:
    """A stream on its way."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    begun: float
    told: str = ""

    async def ended(self) -> Running:
        code = await self.process.wait()
        minutes, seconds = divmod(round(time.monotonic() - self.begun), 60)
        how = "passed" if code == 0 else f"FAILED with {code}"
        self.told = f"######## {self.name} {how} after {minutes}:{seconds:02}"
        return self

    async def stop(self) -> None:
        """As ^C does, so that tests put away what they started; then for good."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGINT)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), _PATIENCE)
        with contextlib.suppress(ProcessLookupError):  # whoever it left behind is of its group
            os.killpg(self.process.pid, signal.SIGKILL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("streams", nargs="*", metavar="STREAM", help=", ".join(STREAMS))
    parser.add_argument("--also", action="append", default=[], metavar="STREAM", help="one more")
    options = parser.parse_args()
    chosen = [*(options.streams or EVERY_TEST), *options.also]
    if unknown := set(chosen) - set(STREAMS):
        parser.error(f"no such stream: {', '.join(sorted(unknown))}")
    apart = subprocess.run([*ALONE, "--possible"], cwd=ROOT, check=False).returncode == 0
    return run_all({name: STREAMS[name] for name in chosen}, together=apart)


def run_all(streams: Mapping[str, Stream], *, together: bool) -> int:
    """Run them, show what they said, and give the worst exit code; 130 when stopped."""
    # A job in the background is started with SIGINT ignored, and what it starts would ignore it as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return asyncio.run(_run_all(streams, together=together))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


async def _run_all(streams: Mapping[str, Stream], *, together: bool) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    done: list[Running] = []
    lanes: dict[str, list[str]] = {}
    for name, stream in streams.items():
        lanes.setdefault((stream.lane or name) if together else "", []).append(name)

    async def run_lane(names: list[str]) -> None:
        for name in names:
            async with _started(name, streams[name], folder, together=together) as running:
                done.append(await running.ended())
            _show(done[-1])

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        async with asyncio.TaskGroup() as group:
            for names in lanes.values():
                group.create_task(run_lane(names))
    print("", *(one.told for one in done), sep="\n", flush=True)
    return max(abs(one.process.returncode or 0) for one in done)


def _show(ended: Running) -> None:
    print(f"\n{ended.told}\n", flush=True)
    sys.stdout.buffer.write(ended.log.read_bytes())
    sys.stdout.flush()


@asynccontextmanager
async def _started(
    name: str, stream: Stream, folder: Path, *, together: bool
) -> AsyncGenerator[Running]:
    """It runs; if it still does when the block is left it is stopped."""
    log = folder / f"{name}.log"
    words = [*stream.command, *(stream.together if together else ())]
    words = [word.replace("{folder}", str(folder / name)) for word in words]
    with log.open("wb") as output:
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                "nice", "-n", str(stream.nice), *words,
                cwd=ROOT, env=_environment(), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )
        )  # fmt: skip
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:  # what is on its way when ^C comes has to be stopped as well
            await Running(name, await starting, log, time.monotonic()).stop()
            raise
    running = Running(name, starting.result(), log, time.monotonic())
    try:
        yield running
    finally:
        await running.stop()


def _environment() -> dict[str, str]:
    """Compiled modules are kept: tests start the command many hundreds of times."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


if __name__ == "__main__":
    sys.exit(main())
