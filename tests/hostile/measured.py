"""Runs of the command whose cost the operating system tells.

Theory of operation
-------------------
One process (`Starter`) loads the command once and forks for each run: the child puts its files, its
environment and its limits in place and enters `detector.cli.main` as a shell would have started it. The
starter waits with wait4, whose rusage is that child's alone: processor time (user and system) and the
largest resident set, which begins at what a loaded command holds. A run that is over its time is killed,
with all that it started, and has the exit code None. RLIMIT_AS is there for the machine's sake: what
is bounded is what wait4 says.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import socket
import sys
import time
from pathlib import Path

import msgspec

from tests.cli import loaded

ADDRESS_SPACE = 640 << 20
_TICK = 0.02


class Job(msgspec.Struct, frozen=True):
    """One run to make.

    Attributes:
        words: after `tlsight`.
        folder: empty, for this run alone: its state, settings, output.
        stdin: path of what it reads, None for nothing.
        kill: seconds, waiting for a processor left out, after which it is killed.
        interrupt: seconds after which it is asked to end, for commands that run until then.
        peer: whether it meets a peer.

    """

    name: str
    words: tuple[str, ...]
    folder: str
    environment: dict[str, str]
    stdin: str | None = None
    kill: float = 120.0
    interrupt: float | None = None
    peer: bool = False


class Run(msgspec.Struct, frozen=True):
    """What became of it.

    Attributes:
        wall: seconds from start to end, without those in which it waited for a processor.
        waited: those (schedstat's run delay): what else the machine does is nobody's fault.
        cpu: seconds, user and system.
        mib: the largest resident set.
        code: its exit code, None where it had to be killed.
        folder: where it ran, in the folder of all.
        peer: whether it met a peer, or else a file.
        interrupted: whether it is one that has to be told to end.

    """

    name: str
    wall: float
    waited: float
    cpu: float
    mib: float
    code: int | None
    folder: str
    peer: bool
    interrupted: bool


def start_starter() -> socket.socket:
    """Fork the starter; what it is told and what it tells are lines of JSON on this socket."""
    ours, its = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        code = 1
        try:
            _serve(its)
            code = 0
        finally:
            os._exit(code)
    its.close()
    return ours


def _serve(channel: socket.socket) -> None:
    loaded.load()
    channel.setblocking(False)
    running: dict[int, tuple[Job, float, float | None]] = {}
    unread = b""
    open_ = True
    while open_:
        ready = select.select([channel] if open_ else [], [], [], _TICK)[0]
        if ready:
            data = channel.recv(1 << 16)
            open_ = bool(data)  # the other side ends with what it has heard
            *lines, unread = (unread + data).split(b"\n")
            for line in lines:
                job = msgspec.json.decode(line, type=Job)
                running[_start(job, channel)] = (job, time.monotonic(), job.interrupt)
        _watch(running, channel)
    for pid in running:  # whoever asked for them is gone
        os.killpg(pid, signal.SIGKILL)


def _watch(running: dict[int, tuple[Job, float, float | None]], channel: socket.socket) -> None:
    for pid, (job, began, interrupt) in list(running.items()):
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        wall = time.monotonic() - began
        if ended:
            waited = _waited(pid)  # while there is still something to ask about
            _, status, usage = os.wait4(pid, 0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # what it started, if anything
            code: int | None = os.waitstatus_to_exitcode(status)
            cpu = usage.ru_utime + usage.ru_stime
            code = None if code == -signal.SIGKILL else code
            told = job.interrupt is not None
            run = Run(
                job.name, wall - waited, waited, cpu, usage.ru_maxrss / 1024, code,
                Path(job.folder).name, job.peer, told,
            )  # fmt: skip
            channel.setblocking(True)
            channel.sendall(msgspec.json.encode(run) + b"\n")
            channel.setblocking(False)
            del running[pid]
        elif wall > job.kill and wall - _waited(pid) > job.kill:
            os.killpg(pid, signal.SIGKILL)
        elif interrupt is not None and wall > interrupt:
            # A second time too: the first one only cancels what an event loop does between two waits.
            os.kill(pid, signal.SIGINT)
            running[pid] = (job, began, interrupt + 1.0)


def _waited(pid: int) -> float:
    """Seconds for which a process was ready and no processor was free."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _start(job: Job, channel: socket.socket) -> int:
    pid = os.fork()
    if pid:
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        return pid
    try:
        os.setpgid(0, 0)
        _end_with(signal.SIGKILL)
        os.nice(10)  # the peers, and who holds the clock, come first
        channel.close()
        os.chdir(job.folder)
        os.environ.clear()
        os.environ.update(job.environment)
        _put(0, os.open(job.stdin or os.devnull, os.O_RDONLY))
        for number, name in ((1, "stdout"), (2, "stderr")):
            _put(number, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["tlsight", *job.words]
        from detector.cli import main

        main()
    finally:
        os._exit(99)  # main leaves by itself


def _end_with(number: int) -> None:
    """Be sent this signal when the parent ends, however it does (Linux alone)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, number)


def _put(number: int, descriptor: int) -> None:
    os.dup2(descriptor, number)
    os.close(descriptor)
