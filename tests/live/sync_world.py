"""A centre and two gateways, each in network namespaces of its own, with wires that can be cut.

    gateway north (a World)  10.79.1.2 --- 10.79.1.1  the centre, 10.79.0.1  10.79.2.1 --- 10.79.2.2  gateway south

The programs are real: mitmdump with the addon in each gateway, `tlsight bypass sync` beside it and at the centre.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from tests.live.bypass_world import World
from tests.live.programs import find
from tests.live.waiting import PATIENCE, until

CENTRE, PORT = "10.79.0.1", 8443
DECIDED = ("--owner", "network", "--reason", "decided", "--expires", "90d")
_numbers = itertools.count()


class SyncWorld:
    """`with SyncWorld(folder) as world`: `world.centre`, `world.sites["north"]`."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self._names = names
        self.namespace = f"tls{os.getpid() % 100000}h{next(_numbers)}"
        self.sites: dict[str, Site] = {}
        self.store = folder / "centre" / "bypass.sqlite3"
        self.said: list[Path] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._lay()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def tell(self, *words: str, store: Path | None = None) -> str:
        """What `tlsight bypass` says; raises where it ends with anything but 0."""
        done = subprocess.run(
            [*_TLSIGHT, *words, "--store", str(store or self.store)],
            capture_output=True, text=True, timeout=60, env=_environment(self.folder),
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def status(self) -> dict[str, Any]:
        """By gateway, as the centre knows it."""
        lines = self.tell("sync", "status", "--json").splitlines()
        return {one["name"]: one for one in map(json.loads, lines) if one["role"] == "centre"}

    def opened(self) -> BypassStore:
        """The centre's store, to look at."""
        return BypassStore(self.store, clock.now, read_only=True)

    @contextmanager
    def serving(self) -> Generator[Running]:
        """The centre over HTTPS."""
        shown = next(iter(self.sites.values())).world.pki.issue("centre.example", CENTRE)
        certificate = shown.write(self.folder / "centre.pem")
        words = (
            "sync", "serve", "--listen", f"{CENTRE}:{PORT}", "--certificate", str(certificate),
            "--every", "0.3", "--store", str(self.store),
        )  # fmt: skip
        with self.running(self.namespace, *words) as program:
            program.wait_for("centre: https://")
            yield program

    @contextmanager
    def running(self, namespace: str, *words: str) -> Generator[Running]:
        """`tlsight bypass` in a namespace, ended by its own number."""
        said = self.folder / f"said{next(_numbers)}"
        with said.open("wb") as file:
            process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *_TLSIGHT, *words],
                stdout=file, stderr=subprocess.STDOUT, env=_environment(self.folder),
            )  # fmt: skip
        program = Running(process, said)
        try:
            yield program
        finally:
            program.end()

    def _lay(self) -> None:
        for name in self._names:
            folder = self.folder / name
            folder.mkdir()
            world = self._stack.enter_context(World(folder))
            self.sites[name] = Site(self, name, world, folder)
        _ip("netns", "add", self.namespace)
        self._stack.callback(_ip, "netns", "del", self.namespace)
        _ip("-n", self.namespace, "link", "set", "lo", "up")
        _ip("-n", self.namespace, "addr", "add", f"{CENTRE}/32", "dev", "lo")
        for number, site in enumerate(self.sites.values(), 1):
            gateway = site.world.gateway
            _ip(
                "-n", self.namespace, "link", "add", f"to-{site.name}", "type", "veth",
                "peer", "name", "centre", "netns", gateway,
            )  # fmt: skip
            for where, link, address in (
                (self.namespace, f"to-{site.name}", f"10.79.{number}.1/24"),
                (gateway, "centre", f"10.79.{number}.2/24"),
            ):
                _ip("-n", where, "addr", "add", address, "dev", link)
                _ip("-n", where, "link", "set", link, "up")
            _ip("-n", gateway, "route", "add", f"{CENTRE}/32", "via", f"10.79.{number}.1")
            subprocess.run(
                ["ip", "netns", "exec", self.namespace, find("nft"), "-f", "-"],
                input=_TABLE, text=True, check=True, timeout=20,
            )  # fmt: skip


class Site:
    """A gateway: its world, its store, and the wire to the centre."""

    def __init__(self, centre: SyncWorld, name: str, world: World, folder: Path) -> None:
        self.centre = centre
        self.name = name
        self.world = world
        self.store = folder / "bypass.sqlite3"
        self.enrolment = folder / "enrolment.json"
        # The centre's certificate is one of the first site's world.
        self.roots = folder / "centre-root.pem"

    def enrol(self, shelf: str = f"https://{CENTRE}:{PORT}") -> None:
        first = next(iter(self.centre.sites.values()))
        self.roots.write_text(first.world.pki.root.pem)
        self.centre.tell("sync", "enrol", self.name, "--shelf", shelf, "--out", str(self.enrolment))

    @contextmanager
    def syncing(self, *more: str) -> Generator[Running]:
        words = (
            "sync", "run", "--enrolment", str(self.enrolment), "--roots", str(self.roots),
            "--every", "0.3", "--timeout", "8", "--store", str(self.store), *more,
        )  # fmt: skip
        with self.centre.running(self.world.gateway, *words) as program:
            yield program

    @contextmanager
    def proxy(self, *settings: str) -> Generator[Mitmdump]:
        with self.world.mitmdump("regular", "", *settings, store=self.store) as proxy:
            yield proxy

    def cut(self) -> None:
        """Nothing comes through any more, and nobody says so."""
        words = ("add", "rule", "inet", "cut", "in", "iifname", f"to-{self.name}", "drop")
        self.centre_nft(*words)

    def mend(self) -> None:
        self.centre_nft("flush", "chain", "inet", "cut", "in")

    def centre_nft(self, *words: str) -> None:
        self.world.run(self.centre.namespace, "nft", *words)

    def tell(self, *words: str) -> str:
        return self.centre.tell(*words, store=self.store)

    def opened(self) -> BypassStore:
        return BypassStore(self.store, clock.now, read_only=True)


class Running:
    """A program, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], said: Path) -> None:
        self._process = process
        self._said = said

    @property
    def said(self) -> str:
        return self._said.read_text(errors="replace")

    def wait_for(self, text: str) -> None:
        until(lambda: text in self.said, f"{text!r}", lambda: self.said)

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(PATIENCE)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()


_TLSIGHT = (sys.executable, "-m", "detector", "bypass")
_TABLE = """
table inet cut
delete table inet cut
table inet cut {
  chain in {
    type filter hook input priority 0;
  }
}
"""


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "PYTHONUNBUFFERED": "1"}


def _ip(*words: str) -> None:
    done = subprocess.run([find("ip"), *words], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
