"""A machine of its own (a network namespace) beside a router of its own, and whoever runs on it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.live.programs import find
from tests.live.waiting import PATIENCE, until

ROUTER = "10.77.3.1"
_OF_NAMESPACES = Path("/etc/netns")
# What the agent's loop does with it, in quicker steps.
_WATCHING = """
import asyncio, json, os, sys
from pathlib import Path
from detector.agent.senses.changes import Pace, changes, system_clocks
looked = False
def clocks():
    global looked
    if not looked:  # it asks for the time when it has looked
        print("[]", flush=True)
        looked = True
    return system_clocks()
async def main():
    root = Path(sys.argv[1])
    pace = Pace(settle=0.3, tick=0.3, every=60)
    async for one in changes({}, (root / "home/u",), root=root, pace=pace, clocks=clocks):
        print(json.dumps([one.kind, one.about]), flush=True)
asyncio.run(main())
"""

_RESIDENT = """
import asyncio, random, sys
from detector.agent.senses.network import here
from detector.agent.senses.portal import portal
for line in sys.stdin:
    if line == "here\\n":
        found = asyncio.run(here(b"s" * 16, {}))
        print(found.id if found else None)
    else:
        print(asyncio.run(portal(random.Random(1), seconds=30)))
"""


class Machine:
    """`with Machine() as machine:`; needs root."""

    def __init__(self) -> None:
        self._own, self._router = f"tls-m{os.getpid()}", f"tls-r{os.getpid()}"
        self._resident: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        for name in (self._own, self._router):
            self._ip("netns", "add", name)
            self._ip("-n", name, "link", "set", "lo", "up")
        servers = _OF_NAMESPACES / self._own / "resolv.conf"
        servers.parent.mkdir(parents=True)
        servers.write_text(f"nameserver {ROUTER}\noptions timeout:1 attempts:1\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._resident is not None:
            self._resident.communicate(timeout=PATIENCE)
        for name in (self._own, self._router):
            subprocess.run([find("ip"), "netns", "delete", name], check=False, capture_output=True)
        shutil.rmtree(_OF_NAMESPACES / self._own, ignore_errors=True)

    def ip(self, *words: str) -> None:
        """On the machine."""
        self._ip("-n", self._own, *words)

    def at_once(self, *lines: str) -> None:
        """On the machine, by one process: who watches sees no state between them."""
        command = [find("ip"), "-n", self._own, "-batch", "-"]
        given = "".join(f"{line}\n" for line in lines)
        subprocess.run(command, input=given, text=True, check=True, timeout=PATIENCE)

    def at_router(self, *words: str) -> None:
        self._ip("-n", self._router, *words)

    def plug_in(self, hardware: str = "3c:97:0e:11:22:33") -> None:
        """A cable to the router, an address, a default route."""
        self.ip("link", "add", "out", "type", "veth", "peer", "name", "in", "netns", self._router)
        self.at_router("address", "add", f"{ROUTER}/24", "dev", "in")
        self.at_router("link", "set", "in", "address", hardware, "up")
        self.at_once(
            "address add 10.77.3.9/24 dev out",
            "link set out up",
            f"route add default via {ROUTER}",
        )

    def router_is(self, hardware: str) -> None:
        """Another box in its place, which the machine has spoken to."""
        self.at_router("link", "set", "in", "address", hardware)
        self.ip("neigh", "flush", "all")
        self.here()

    @contextlib.contextmanager
    def tunnel(self) -> Generator[None]:
        """A VPN's interface, wg0, of a real one; gone afterwards."""
        quiet = subprocess.DEVNULL
        command = [*self.command(), find("wireguard-go"), "--foreground", "wg0"]
        with subprocess.Popen(command, stdout=quiet, stderr=quiet) as held:
            try:
                until(lambda: self._is_up("wg0"), "wireguard-go")
                yield
            finally:
                held.terminate()

    def _is_up(self, link: str) -> bool:
        command = [find("ip"), "-n", self._own, "link", "set", link, "up"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def here(self) -> str:
        """The id of the network, as the agent tells it; None where it tells none."""
        return self._asked("here")

    def portal(self) -> str:
        """What stands before the internet."""
        return self._asked("portal")

    def _asked(self, what: str) -> str:
        """Of one process on the machine: to start Python costs more than what it is asked."""
        if self._resident is None:
            command = [*self.command(), sys.executable, "-u", "-c", _RESIDENT]
            self._resident = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
        assert self._resident.stdin is not None
        assert self._resident.stdout is not None
        self._resident.stdin.write(f"{what}\n")
        return self._resident.stdout.readline().strip()

    def wait_for(self, kind: str, port: int) -> None:
        """Until somebody listens at the router."""
        command = [*self.command(router=True), find("ss"), f"--{kind}", "-lnH", f"sport = :{port}"]
        until(lambda: subprocess.run(command, capture_output=True).stdout, f"{kind} {port}")

    def command(self, *, router: bool = False) -> tuple[str, ...]:
        """What runs a program there."""
        return (find("ip"), "netns", "exec", self._router if router else self._own)

    def watched(self, root: Path) -> Watched:
        return Watched([*self.command(), sys.executable, "-c", _WATCHING, str(root)])

    @staticmethod
    def _ip(*words: str) -> None:
        subprocess.run([find("ip"), *words], check=True, timeout=30, capture_output=True)


class Watched:
    """All that is told by somebody who watches."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._rest = b""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._output = self._process.stdout
        os.set_blocking(self._output.fileno(), False)
        try:
            self.until(1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._output.close()

    def quiet(self, seconds: float = 1.2) -> bool:
        """Whether nothing is told for so long, twice what it takes to settle and look."""
        time.sleep(seconds)
        return self._read() == []

    def until(self, number: int) -> list[list[str]]:
        """The next so many changes at least."""
        found: list[list[str]] = []

        def came() -> bool:
            found.extend(self._read())
            assert self._process.poll() is None, "it ended"
            return len(found) >= number

        until(came, f"change {number}", lambda: found)
        return found

    def _read(self) -> list[list[str]]:
        with contextlib.suppress(BlockingIOError):
            self._rest += os.read(self._output.fileno(), 65536)
        *lines, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in lines]
