"""The Windows service without Windows: what it does with its child, and what it tells pywin32's framework."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from detector.agent.service import OTHERS, shipped, windows_service
from detector.agent.service.windows_service import Keeper, service_class


def child(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def counting(folder: Path, code: str) -> list[str]:
    """A child that leaves a mark each time it starts."""
    return child(f"open({str(folder / 'starts')!r}, 'a').write('.'); {code}")


def starts(folder: Path) -> int:
    path = folder / "starts"
    return len(path.read_text()) if path.exists() else 0


def until(true: object) -> None:
    deadline = time.monotonic() + 60
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_child_that_ends_is_started_again_until_the_service_is_told_to_stop(
    tmp_path: Path,
) -> None:
    keeper, said = Keeper(counting(tmp_path, "raise SystemExit(4)"), again=0.01), list[str]()
    running = threading.Thread(target=keeper.run, args=(said.append,))
    running.start()
    until(lambda: starts(tmp_path) >= 2)
    keeper.stop()
    running.join(60)
    assert not running.is_alive()
    assert said[0] == "the agent ended with 4; it is started again in 0.01 s"


def test_settings_that_cannot_be_read_end_the_service_with_the_agents_own_code(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    assert Keeper(counting(tmp_path, "raise SystemExit(2)"), again=0.01).run(said.append) == 2
    assert starts(tmp_path) == 1
    assert said == ["the agent's settings cannot be read: tlsight agent once says why"]


def test_told_to_stop_it_asks_the_child_first(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    code = (
        "import signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (open({str(asked)!r}, 'w'), sys.exit(0)))\n"
        f"open({str(tmp_path / 'starts')!r}, 'a').write('.')\n"
        "time.sleep(60)"
    )
    keeper = Keeper(child(code))
    running = threading.Thread(target=keeper.run, args=(print,))
    running.start()
    until(lambda: starts(tmp_path))
    keeper.stop()
    running.join(60)
    assert not running.is_alive()
    assert asked.exists()


def test_a_child_that_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"open({str(tmp_path / 'starts')!r}, 'a').write('.'); time.sleep(60)"
    )
    keeper, ended = Keeper(child(code), patience=0.2), list[int]()
    running = threading.Thread(target=lambda: ended.append(keeper.run(print)))
    running.start()
    until(lambda: starts(tmp_path))
    keeper.stop()
    running.join(60)
    assert ended == [0]


def test_a_program_that_is_gone_is_said_and_waited_for(tmp_path: Path) -> None:
    said: list[str] = []
    keeper = Keeper([str(tmp_path / "tlsight.exe")], again=0.01)
    running = threading.Thread(target=keeper.run, args=(said.append,))
    running.start()
    until(lambda: len(said) >= 2)
    keeper.stop()
    running.join(60)
    assert said[0] == "the agent cannot be started: No such file or directory"


class Framework:
    """What pywin32's ServiceFramework is to a service: it records the states that it is told."""

    def __init__(self, words: list[str]) -> None:
        self.told: list[tuple[object, ...]] = []

    def ReportServiceStatus(self, *words: object, **more: object) -> None:  # noqa: N802
        self.told.append((*words, *more.items()))


def test_the_service_tells_the_manager_that_it_stops_and_with_which_code(tmp_path: Path) -> None:
    lines: list[str] = []
    states = SimpleNamespace(SERVICE_STOP_PENDING=3, SERVICE_STOPPED=1)
    kind = service_class(
        SimpleNamespace(ServiceFramework=Framework),
        states,
        SimpleNamespace(LogWarningMsg=lines.append),
    )
    service = kind([windows_service.NAME])
    service.keeper = Keeper(counting(tmp_path, "raise SystemExit(2)"))
    service.SvcDoRun()
    assert service.told == [(1, ("win32ExitCode", 1066), ("svcExitCode", 2))]
    assert lines == [
        "tlsight agent: the agent's settings cannot be read: tlsight agent once says why"
    ]
    service.SvcStop()
    assert service.told[-1] == (3, 30000)


def test_the_command_that_it_keeps_running_is_the_agent_itself() -> None:
    done = subprocess.run(
        [*windows_service.command(), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "agent run" in done.stdout


def test_the_installer_names_the_service_and_its_module_as_they_are() -> None:
    (installer,) = (one.text for one in shipped("windows", "", "1.0"))
    assert f"$name = '{windows_service.NAME}'" in installer
    assert f"-P -m {windows_service.__name__}" in installer
    for one in shipped("intune", "", "1.0"):
        assert f"'{windows_service.NAME}'" in one.text
    assert set(OTHERS) >= {"windows", "intune"}
