"""Which command meets which peer: the cells of the matrix, as runs to be made.

`COMMANDS` has a row for each command that dials: the families of peers that it meets, and the words that lead it
there. A command that is not here is in `tests.hostile.reading`, or says there why it is in neither.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.origin import server_context
from detector.model.grades import GOOD, SERVERS_SCHEMA, GradeServers
from tests.cli.loaded import alone_in
from tests.hostile.measured import Job
from tests.hostile.peers.peer import HOST, Peer, Serve, World

TIMEOUT = 0.5
# For what an honest handshake comes before: a loaded machine shall get to what is hostile.
PATIENT = 3.0


# Servers of a grading, of which one is good: a signature that is never theirs, and few, since all are alike here.
_GRADED = msgspec.json.encode(
    GradeServers(
        schema=SERVERS_SCHEMA, name="grade.example.org", port=443, key="ab" * 32, root="",
        leaves=dict.fromkeys((GOOD, "expired"), "0" * 64),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a peer listens.

    Attributes:
        purpose: the peer's family; "lookup" in clear, for a certificate's sake; "pointing" an honest server whose
            certificate points there.

    """

    purpose: str
    address: str = "127.0.0.1"
    port: int = 0


@dataclass
class Stage:
    """What jobs are made from: `at` has where each peer listens, by name and purpose."""

    world: World
    folder: Path
    peers: dict[str, Peer] = field(default_factory=dict)
    at: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.roots = self.folder / "root.pem"
        self.roots.write_text(self.world.pki.root.pem)
        self.hosts = self.folder / "hosts.txt"
        self.hosts.write_text(f"{HOST}\n")
        self.graded = self.folder / "grade.json"
        self.graded.write_bytes(_GRADED)
        self.pins = self.folder / "pins.toml"
        self.pins.write_text(f'[[pin]]\nhost = "{HOST}"\nspki = ["sha256//{"A" * 43}="]\n')


@dataclass(frozen=True)
class Meeting:
    """One cell: the peer, what it listens for, and where."""

    peer: Peer
    purpose: str
    where: str
    stage: Stage

    @property
    def way(self) -> tuple[str, ...]:
        """The options that lead to the peer."""
        if self.purpose == "proxy":
            return "--proxy", f"{self.peer.speaks}://{self.where}"
        if self.purpose == "starttls":
            return "--starttls", self.peer.speaks, "--connect", self.where
        return "--connect", self.where

    @property
    def common(self) -> tuple[str, ...]:
        timeout = PATIENT if self.purpose == "pointing" else TIMEOUT
        return "--timeout", str(timeout), "--roots", str(self.stage.roots)

    @property
    def url(self) -> str:
        return "https://ct.example.org" if self.purpose == "proxy" else f"https://{self.where}"

    @property
    def asking(self) -> tuple[str, ...]:
        """The options of a look-up, which has the peer for its service or its proxy."""
        return self.way if self.purpose == "proxy" else ()


Words = Callable[[Meeting], tuple[str, ...]]
_ALL = frozenset(("tls", "http", "proxy", "starttls"))
_ASKED = frozenset(("tls", "http", "proxy"))


def _dial(*verb: str) -> Words:
    return lambda m: (*verb, HOST, *m.way, *m.common, "--no-store")


COMMANDS: dict[str, tuple[frozenset[str], Words]] = {
    "check": (_ALL, _dial("check", "--no-history", "--verbose", "--staple")),
    "diagnose": (_ALL | {"pointing"}, _dial("diagnose", "--no-history")),
    "watch-path": (_ALL, _dial("watch-path", "--network", "here", "--verbose")),
    "pins learn": (
        _ALL,
        lambda m: ("pins", "learn", HOST, *m.way, *m.common, "--no-store", "--pins", "new.toml"),
    ),
    "pins check": (
        _ALL,
        lambda m: (
            "pins", "check", *m.way, *m.common, "--no-store", "--pins", str(m.stage.pins),
        ),
    ),
    "ct show": (
        _ASKED,
        lambda m: (
            "ct", "show", HOST, "--sources", f"certspotter={m.url}", *m.asking, *m.common,
            "--store", "store.sqlite3",
        ),
    ),
    "ct fetch": (
        _ASKED,
        lambda m: (
            "ct", "fetch", "-l", str(m.stage.hosts), "--sources", f"crt.sh={m.url}", *m.asking,
            *m.common, "--store", "store.sqlite3",
        ),
    ),
    "update": (
        _ASKED,
        lambda m: ("update", "log_list", "--mirror", m.url, "--lists", "lists", *m.asking, *m.common),
    ),
    "echo ask": (
        _ASKED, lambda m: ("echo", "ask", f"https://{HOST}/", *m.way, "--timeout", str(TIMEOUT)),
    ),
    "grade": (
        _ASKED, lambda m: ("grade", "--servers", str(m.stage.graded), *m.way, "--timeout", str(TIMEOUT)),
    ),
    "bypass recheck": (
        frozenset(("proxy",)),
        lambda m: ("bypass", "recheck", *m.way, "--timeout", str(TIMEOUT), "--store", "bypass.sqlite3"),
    ),
    "bypass prove": (
        frozenset(("tls", "proxy")),
        lambda m: ("bypass", "prove", HOST, *m.way, *m.common, "--json"),
    ),
}  # fmt: skip


def places(peer: Peer, number: int) -> list[Place]:
    """One of HTTP listens over TLS, and in clear on port 80 of an address of its own, where a certificate points."""
    if peer.family != "http":
        return [Place(peer.family)]
    address = f"127.1.0.{number}"
    clear = [Place("lookup", address, 80), Place("pointing", address, 443)]
    return [Place("http"), *(clear if not peer.h2 else [])]


def serving(peer: Peer, place: Place) -> Serve:
    """What is done with a connection there."""
    return _honest if place.purpose == "pointing" else peer.serve


async def _honest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def prepare(stage: Stage) -> None:
    """A store of bypass rules that a re-check has something to do with."""
    with BypassStore(stage.folder / "bypass.sqlite3", clock.now, "tests") as store:
        store.add_rule(RuleRow(host=HOST, reason="a peer", owner="tests"))


def context(world: World, peer: Peer, place: Place) -> ssl.SSLContext | None:
    """For a place that speaks TLS."""
    if place.purpose not in ("http", "pointing"):
        return None
    credential = world.credential
    if place.purpose == "pointing":
        credential = world.pointing(f"http://{place.address}/x".encode())
    found = server_context(credential)
    found.set_alpn_protocols(["h2"] if peer.h2 else ["http/1.1"])
    return found


# Commands that come to a peer by the same way through the same code.
_ALIKE = (
    ("check", "pins learn", "pins check"),
    ("diagnose",),
    ("ct show", "ct fetch", "update"),
    ("bypass recheck", "bypass prove"),
    ("echo ask", "grade"),
)


def jobs(stage: Stage, *, every: bool = False) -> Iterator[Job]:
    """Every command against every peer of the families that it meets; or one of those that are alike, in turn."""
    for number, ((name, purpose), where) in enumerate(stage.at.items()):
        chosen = COMMANDS.keys() if every else _in_turn(number, purpose)
        for command, (families, words) in COMMANDS.items():
            if purpose in families and command in chosen:
                said = words(Meeting(stage.peers[name], purpose, where, stage))
                mark = "~" if purpose == "pointing" else ""
                yield job(stage, f"{command} | {mark}{name}", *said)


def _in_turn(number: int, purpose: str) -> set[str]:
    """One of each group; a service is seldom met by who breaks the handshake itself."""
    groups = _ALIKE[:2] if purpose == "tls" and number % 2 else _ALIKE
    return {group[number // 2 % len(group)] for group in groups}


def job(stage: Stage, name: str, *words: str) -> Job:
    """One run, in a folder of its own."""
    folder = stage.folder / name.replace(" ", "_").replace("/", "-")
    folder.mkdir()
    if words[:2] == ("bypass", "recheck"):
        (folder / "bypass.sqlite3").write_bytes((stage.folder / "bypass.sqlite3").read_bytes())
    return Job(name, words, str(folder), alone_in(folder), peer=True)
