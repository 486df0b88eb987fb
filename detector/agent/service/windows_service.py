"""The agent as a Windows service: the service manager's words in, one child process kept running.

    tlsight.exe -P -m detector.agent.service.windows_service      what the service manager starts
    python.exe -P -m detector.agent.service.windows_service       the same, where tlsight is installed by pip

It needs pywin32 and was never run on Windows. What it does with its child is `Keeper`, which runs anywhere.

Rules
-----
1. The child is `agent run`, in a process of its own: a fault in a library of its does not take the service along.
2. Ended by itself it is started again, a while later; with exit code 2 (settings that cannot be read) it is not: the
   service stops with that code, and the manager's own recovery shall not start it either.
3. Told to stop, it is asked first and killed when it has not ended in time. It loses nothing either way: its state
   survives a kill.
"""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# As in windows/install-service.ps1.
NAME = "tlsight-agent"
SHOWN = "tlsight agent"
DESCRIPTION = "Tells who intercepts TLS on this machine."
# What a frozen program has to take along on Windows.
MODULES = ("win32serviceutil", "win32service", "servicemanager", "win32timezone")
_AGAIN = 30.0
_PATIENCE = 15.0
_USAGE = 2


class Keeper:
    """Keeps one child running until it is told to stop."""

    def __init__(
        self, command: Sequence[str], *, again: float = _AGAIN, patience: float = _PATIENCE
    ) -> None:
        """Args: the child's command line; seconds until it is started again; seconds that it has to end."""
        self._command = list(command)
        self._again = again
        self._patience = patience
        self._stop = threading.Event()

    def stop(self) -> None:
        """From any thread: end the child, and `run` returns."""
        self._stop.set()

    def run(self, say: Callable[[str], None]) -> int:
        """Until stopped (0), or until the child says that its settings cannot be read (2).

        Args:
            say: takes a line for the log of events.

        """
        while not self._stop.is_set():
            try:
                child = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    creationflags=_apart(),
                )  # fmt: skip
            except OSError as error:
                say(f"the agent cannot be started: {error.strerror or error}")
            else:
                code = self._watch(child)
                if code is None:
                    return 0
                if code == _USAGE:
                    say("the agent's settings cannot be read: tlsight agent once says why")
                    return code
                say(f"the agent ended with {code}; it is started again in {self._again:g} s")
            self._stop.wait(self._again)
        return 0

    def _watch(self, child: subprocess.Popen[bytes]) -> int | None:
        """The code with which it ended by itself; None where it was told to."""
        ended = threading.Event()

        def wait() -> None:
            child.wait()
            ended.set()

        threading.Thread(target=wait, daemon=True).start()
        while not self._stop.is_set():
            if ended.wait(0.2):
                return child.returncode
        if not ended.is_set():
            _ask_to_end(child)
            if not ended.wait(self._patience):
                child.kill()
                ended.wait()
        return None


def command() -> list[str]:
    """The agent's command line in this installation."""
    from detector.own_python import tlsight

    return tlsight("agent", "run")


def main() -> None:
    """As the service manager starts it, or `install`, `remove` and so on of pywin32's own command line."""
    framework, host = (
        importlib.import_module(name) for name in ("win32serviceutil", "servicemanager")
    )
    kind = service_class(framework, importlib.import_module("win32service"), host)
    if len(sys.argv) == 1:
        host.Initialize()
        host.PrepareToHostSingle(kind)
        host.StartServiceCtrlDispatcher()
    else:
        framework.HandleCommandLine(kind)


def service_class(framework: Any, states: Any, host: Any) -> type:
    """What pywin32 runs. Its names are pywin32's.

    Args:
        framework: the module win32serviceutil.
        states: the module win32service.
        host: the module servicemanager.

    """

    class Service(framework.ServiceFramework):  # type: ignore[misc]
        _svc_name_ = NAME
        _svc_display_name_ = SHOWN
        _svc_description_ = DESCRIPTION
        _exe_args_ = f"-P -m {__spec__.name if __spec__ else __name__}"

        def __init__(self, words: Any) -> None:
            super().__init__(words)
            self.keeper = Keeper(command())

        def SvcStop(self) -> None:  # noqa: N802
            # Twice what the child is given: the manager believes it dead after that.
            self.ReportServiceStatus(states.SERVICE_STOP_PENDING, int(_PATIENCE * 2000))
            self.keeper.stop()

        def SvcShutdown(self) -> None:  # noqa: N802
            self.SvcStop()

        def SvcDoRun(self) -> None:  # noqa: N802
            code = self.keeper.run(lambda line: host.LogWarningMsg(f"{SHOWN}: {line}"))
            if code:
                self.ReportServiceStatus(
                    states.SERVICE_STOPPED, win32ExitCode=1066, svcExitCode=code
                )

    return Service


def program(frozen: Path) -> str:
    """The command line that the service manager starts, for a frozen program or for Python."""
    return f'"{frozen}" -P -m {__spec__.name if __spec__ else __name__}'


def _apart() -> int:
    """A process group of its own, on Windows: what it is asked there would reach the service as well."""
    return int(getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0))


def _ask_to_end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
    except OSError:
        child.kill()


if __name__ == "__main__":
    main()
