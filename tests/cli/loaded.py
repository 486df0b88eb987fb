"""The command, loaded once: each run is a fork of one process that has imported it.

Theory of operation
-------------------
To start Python and import the command takes longer than most of its runs. So one process does that once, and forks
for each run: the child puts arguments, environment, folder and files in place and is `python -m detector` from there
on, to the end of the interpreter. What its caller sees is a process of its own, with its exit code and what it wrote.

A run whose environment says something that is read before the command begins starts in full, see `can_fork`, as do
runs whose lines are counted. tests/cli/test_loaded.py holds both ways against each other.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).parents[2]
# Words of the environment that the command itself reads, while it runs.
_READ_LATE = (
    "TLSIGHT_", "XDG_", "STATE_DIRECTORY", "COLUMNS", "HOME", "PATH", "PYTEST_CURRENT_TEST",
)  # fmt: skip
# The longest message; more than that the kernel may refuse.
_LONGEST = 100_000
# mitmproxy, what only tests use, and what few verbs need: every run would count its memory.
_NOT_LOADED = (
    "addons.proxy",
    "addons.scripts",
    "detector.lab",
    "addons.fleet",
    "detector.agent",
    "detector.mcp",
    "detector.doctor",
    "detector.net.nats_transport",
)


class Loaded:
    """The process, and how it is asked. It ends with whoever started it."""

    def __init__(self) -> None:
        self._channel, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._environment = dict(os.environ)
        self._network = _network()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.loaded", str(its.fileno())],
                pass_fds=[its.fileno()], cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        atexit.register(self.close)

    def close(self) -> None:
        self._channel.close()
        self._process.wait()

    def can_fork(self, words: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Nothing differs that Python, OpenSSL or a library reads when it is loaded."""
        names = {*environment, *self._environment}
        differing = {n for n in names if environment.get(n) != self._environment.get(n)}
        return (
            all(name.startswith(_READ_LATE) or "proxy" in name.lower() for name in differing)
            and "COVERAGE_PROCESS_START" not in environment
            and self._network == _network()
            and len(_message(words, environment)) < _LONGEST
        )

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """As subprocess.run does, with text and nothing on stdin."""
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as stdout,
            tempfile.TemporaryFile("w+", encoding="utf-8") as stderr,
            contextlib.closing(_Pipe()) as stdin,
            contextlib.closing(_Pipe()) as told,
        ):
            files = (stdin.reader, stdout, stderr, told.writer)
            socket.send_fds(
                self._channel,
                [_message(words, environment)],
                [file.fileno() for file in files],
            )
            stdin.close()
            told.writer.close()
            code = _code(told.reader, timeout)
            stdout.seek(0)
            stderr.seek(0)
            command = [sys.executable, "-m", "detector", *words]
            if code is None:
                raise subprocess.TimeoutExpired(command, timeout, stdout.read(), stderr.read())
            return subprocess.CompletedProcess(command, code, stdout.read(), stderr.read())


class _Pipe:
    def __init__(self) -> None:
        self.reader, self.writer = (os.fdopen(*one) for one in zip(os.pipe(), "rw", strict=True))

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


def _network() -> str:
    """The network namespace of this thread."""
    return str(Path("/proc/thread-self/ns/net").readlink())


def _message(words: Sequence[str], environment: Mapping[str, str]) -> bytes:
    return json.dumps([list(words), dict(environment), str(Path.cwd())]).encode()


def _code(told: IO[str], timeout: float) -> int | None:
    """The exit code; None of a run that was over its time, which is killed."""
    pid = int(told.readline())
    if not select.select([told], [], [], timeout)[0]:
        os.kill(pid, signal.SIGKILL)
        told.readline()
        return None
    return int(told.readline())


def main() -> None:
    """Fork for each message, and tell the pid and then the exit code."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this one ends it
    load()
    with selectors.DefaultSelector() as asked:
        asked.register(channel, selectors.EVENT_READ)
        while True:
            for key, _ in asked.select():
                if key.data is None:
                    message, files, _, _ = socket.recv_fds(channel, _LONGEST, 4)
                    if not message:
                        return
                    told = files.pop()
                    pid = os.fork()
                    if pid == 0:
                        _become(json.loads(message), files)
                    os.write(told, b"%d\n" % pid)
                    for file in files:
                        os.close(file)
                    asked.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, told))
                else:
                    pid, told = key.data
                    _, status = os.waitpid(pid, 0)
                    with contextlib.suppress(BrokenPipeError):
                        os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
                    os.close(told)
                    asked.unregister(key.fd)
                    os.close(key.fd)


def _become(message: tuple[list[str], dict[str, str], str], files: list[int]) -> NoReturn:
    """Be `python -m detector` from here on."""
    words, environment, folder = message
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.closerange(3, 1 << 10)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["detector", *words]
        runpy.run_module("detector", run_name="__main__", alter_sys=True)
    finally:
        os._exit(99)  # the command leaves by itself


def load() -> None:
    """Everything that a run would import and read of ours, so that a run costs what it does."""
    for package in ("detector", "addons"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if not module.name.startswith(_NOT_LOADED) and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in (
        "httpx",
        "h2",
        "truststore",
        "tomlkit",
        "rich.table",
        "rich.progress",
        "zstandard",
    ):
        importlib.import_module(name)
    before = dict(os.environ)
    _warm_up()
    os.environ.clear()
    os.environ.update(before)
    # What was read once is shared: a run that collects garbage shall not copy it.
    gc.collect()
    gc.freeze()


def _warm_up() -> None:
    """Read the shipped tables once: they are the same for every run, and nobody's doing."""
    from detector.cli.app import run

    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(alone_in(Path(folder)))
        nobody = ("--connect", "127.0.0.1:9", "--no-store", "--timeout", "0.1")
        with Path(os.devnull).open("w", encoding="utf-8") as nothing:
            with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
                for verb in ("check", "diagnose"):
                    run([verb, "warm.example.org", *nobody])
                run(["explain", "certificate verify failed"])
                run(["judge", str(Path(folder, "nothing"))])


def alone_in(folder: Path) -> dict[str, str]:
    """A clean environment, with state and settings in `folder`."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
    return kept | {
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CONFIG_HOME": str(folder / "cfg"),
        "XDG_DATA_HOME": str(folder / "data"),
        "COLUMNS": "160",
    }


if __name__ == "__main__":
    main()
