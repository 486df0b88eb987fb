"""An agent's surroundings on one machine: a public world of its own, and a real mitmproxy that can look away.

The agent goes to every host through the mitmproxy, which leads all names to one origin; while a file lies in its folder it
passes connections through as they are, and the origin itself answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from detector.agent.identity import identity
from detector.agent.status import events, status
from detector.errors import StoreError
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.report.event_json import encode_event
from tests.cli.conftest import loaded

HOSTS = ("shop.test", "bank.test")
AT_MOST = 60  # seconds; the longest time-out that an agent may be given
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
    off: Path
    extra: str = ""
    sinks: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def intercept(self, on: bool) -> None:
        if on:
            self.off.unlink(missing_ok=True)
        else:
            self.off.touch()

    def settings(self, hosts: tuple[str, ...] = HOSTS) -> Path:
        path = self.folder / "agent.toml"
        path.write_text(
            f'[agent]\nevery = "10s"\ncanaries = 0\ntrust = false\ntimeout = 30.0\n'
            f'hosts = {json.dumps(hosts)}\nroots = "root.pem"\nproxy = "{self.proxy.url}"\n'
            'budget = {memory = "400 MB"}\n'  # a fork counts what it shares
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

    def started(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        """A verb as a timer starts it: Python and all."""
        return subprocess.run(
            self.command(verb, *words), env=self.surroundings(), capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    def once(self, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """`tlsight agent once` in a process of its own, which is killed where it takes longer."""
        return self.run("once", timeout=timeout)

    def run(self, verb: str, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """A verb of the agent's: a fork, as to start Python takes longer than most of them."""
        words = tuple(self.command(verb, *words)[3:])
        surroundings = self.surroundings()
        assert loaded().can_fork(words, surroundings)
        return loaded().run(words, surroundings, timeout)

    def events(self) -> list[dict[str, Any]]:
        try:
            found = events(self.state, 1000)
        except StoreError:
            return []
        return [json.loads(encode_event(event)) for event in found]

    def told(self) -> list[str]:
        """Findings' events, in a word each."""
        return [event["kind"] for event in self.events() if "finding" in event]

    def notices(self) -> list[str]:
        return [event["notice"]["code"] for event in self.events() if "notice" in event]

    def status(self) -> dict[str, Any]:
        named = self.folder / "agent.toml"
        found: dict[str, Any] = msgspec.to_builtins(status(self.surroundings(), self.state, named))
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

    def terminate(self) -> None:
        """Raises TimeoutExpired where it waits for a host that takes `AT_MOST` seconds."""
        self.process.terminate()
        self.process.wait(AT_MOST / 2)

    def said(self) -> str:
        return self.errors.read_text()


class Surroundings:
    """Origin and mitmproxy, started once for several agents; they live in a thread of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(60)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stack.aclose(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def agent(self, folder: Path) -> AgentWorld:
        """Of one more agent, with a state of its own."""
        for name in ("root.pem",):
            (folder / name).write_bytes((self.folder / name).read_bytes())
            (folder / name).chmod(0o644)
        world = AgentWorld(folder, self.proxy, self.folder / "off")
        # The share of the period that it waits for its first run is told by its first digits.
        identity(world.state, lambda size: bytes(4) + secrets.token_bytes(size - 4))
        world.intercept(on=True)
        world.settings()
        return world

    async def _begin(self) -> None:
        pki = LabPki()
        (self.folder / "root.pem").write_text(pki.root.pem)
        credentials = {host: pki.issue(host) for host in HOSTS}
        origin = await self._stack.enter_async_context(Origin(credentials))
        led = self.folder / "led.py"
        led.write_text(_LED.format(port=origin.port, off=str(self.folder / "off")))
        mitmdump = Mitmdump(self.folder / "mitm", trust=self.folder / "root.pem", scripts=(led,))
        self.proxy = await self._stack.enter_async_context(mitmdump)
