"""An agent's surroundings on one machine: a public world of its own, and a real mitmproxy that can look away.

The agent goes to every host through the mitmproxy, which leads all names to one origin; while a file lies in its folder it
passes connections through as they are, and the origin itself answers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import LabPki

HOSTS = ("shop.test", "bank.test")
_LED = """
from pathlib import Path
PORT, OFF = {port}, Path({off!r})
class Led:
    def server_connect(self, data):
        data.server.address = ("127.0.0.1", PORT)
    def tls_clienthello(self, data):
        data.ignore_connection = OFF.exists()
addons = [Led()]
"""


@dataclass
class AgentWorld:
    """Where things are, and the agent's settings."""

    folder: Path
    proxy: Mitmdump
    extra: str = ""
    sinks: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def intercept(self, on: bool) -> None:
        off = self.folder / "off"
        off.unlink(missing_ok=True) if on else off.touch()

    def settings(self, hosts: tuple[str, ...] = HOSTS) -> Path:
        path = self.folder / "agent.toml"
        path.write_text(
            f'[agent]\nevery = "10s"\ncanaries = 0\ntrust = false\ntimeout = 3.0\n'
            f'hosts = {json.dumps(hosts)}\nroots = "root.pem"\nproxy = "{self.proxy.url}"\n'
            f"{self.extra}\n{self.sinks}\n"
        )
        path.chmod(0o600)
        return path

    def command(self, verb: str, *words: str) -> list[str]:
        config = () if verb == "events" else ("--config", str(self.folder / "agent.toml"))
        return [sys.executable, "-m", "detector", "agent", verb, *config, *words]

    def surroundings(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TLSIGHT_")}
        return {**kept, "STATE_DIRECTORY": str(self.state), **self.environment}

    def once(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command("once"), env=self.surroundings(), capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    def events(self) -> list[dict[str, Any]]:
        done = subprocess.run(
            self.command("events", "--json", "-n", "1000"), env=self.surroundings(),
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines()]

    def told(self) -> list[str]:
        """Findings' events, in a word each."""
        return [event["kind"] for event in self.events() if "finding" in event]

    def notices(self) -> list[str]:
        return [event["notice"]["code"] for event in self.events() if "notice" in event]

    def status(self) -> dict[str, Any]:
        done = subprocess.run(
            self.command("status", "--json"), env=self.surroundings(), capture_output=True,
            text=True, timeout=30, check=True,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
        return found


class Running:
    """`tlsight agent run`, as a service starts it; ended by its pid."""

    def __init__(self, world: AgentWorld) -> None:
        self._world = world
        self.errors = world.folder / "stderr"

    def __enter__(self) -> Self:
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                self._world.command("run"), env=self._world.surroundings(),
                stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def hangup(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def terminate(self) -> float:
        """Seconds that it took to end."""
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=10)
        return time.monotonic() - began

    def said(self) -> str:
        return self.errors.read_text()


def until(true: Any, seconds: float = 20.0) -> None:
    """Wait for something that comes soon; AssertionError where it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(subprocess.CalledProcessError):  # no state yet
            if true():
                return
        time.sleep(0.1)
    raise AssertionError("it never came")


@asynccontextmanager
async def agent_world(folder: Path) -> AsyncGenerator[AgentWorld]:
    pki = LabPki()
    (folder / "root.pem").write_text(pki.root.pem)
    (folder / "root.pem").chmod(0o644)
    async with Origin({host: pki.issue(host) for host in HOSTS}) as origin:
        led = folder / "led.py"
        led.write_text(_LED.format(port=origin.port, off=str(folder / "off")))
        async with Mitmdump(folder / "mitm", trust=folder / "root.pem", scripts=(led,)) as proxy:
            world = AgentWorld(folder, proxy)
            world.settings()
            yield world
