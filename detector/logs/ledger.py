"""Failures counted: causes ranked by clients, what changed and when, who is affected.

Theory of operation
-------------------
Memory goes by distinct groups, not by lines: a group is a program, a cause, a complainant and a direction.
Clients are counted exactly up to MAX_CLIENTS a group; beyond that the count is a least. A change is blamed for a
group that began, or grew tenfold, within CHANGE_WINDOW after it. A group in which one network holds nearly all
clients, while others reach the same server without trouble, hints at somebody in the middle of that network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address

import msgspec

from detector.logs.event import Complainant, Event
from detector.model.timeline import Timeline

MAX_CLIENTS = 50_000
MAX_GROUPS = 2_000
_MAX_NAMES = 200
_MAX_NETWORKS = 2_000
CHANGE_WINDOW = 900.0
_LATE = 300.0
_FEW = 5
# Clients that say these reject the server's certificate.
_REJECTS = ("untrusted-root", "client-lacks-ca", "certificate-pinned", "tls-intercepted")


class Group:
    """Failures of one kind."""

    __slots__ = (
        "alerts", "cause", "clients", "complainant", "events", "first", "last", "many", "names",
        "networks", "noise", "program", "sample", "upstream",
    )  # fmt: skip

    def __init__(self, event: Event) -> None:
        self.program = event.program
        self.cause = event.cause
        self.complainant: Complainant | None = event.complainant
        self.noise = event.noise
        self.upstream = event.upstream
        self.events = 0
        self.clients: set[str] = set()
        self.many = False
        self.names: Counter[str] = Counter()
        self.networks: Counter[str] = Counter()
        self.alerts: Counter[int] = Counter()
        self.first: float | None = None
        self.last: float | None = None
        self.sample = event.reason

    def add(self, event: Event) -> None:
        self.events += 1
        if event.at is not None:
            self.first = event.at if self.first is None else min(self.first, event.at)
            self.last = event.at if self.last is None else max(self.last, event.at)
        if event.peer is not None and event.peer not in self.clients:
            if len(self.clients) < MAX_CLIENTS:
                self.clients.add(event.peer)
                network = network_of(event.peer)
                if network in self.networks or len(self.networks) < _MAX_NETWORKS:
                    self.networks[network] += 1
            else:
                self.many = True
        if event.name is not None and (event.name in self.names or len(self.names) < _MAX_NAMES):
            self.names[event.name] += 1
        if event.alert is not None:
            self.alerts[event.alert] += 1


class Onset(msgspec.Struct, frozen=True):
    """A group that began in the middle of the log, and the change that came just before, if any."""

    program: str
    cause: str
    clients: int
    since: float
    change: str | None = None
    changed: float | None = None


class Hint(msgspec.Struct, frozen=True):
    """Something about interception that only many clients together show."""

    program: str
    network: str
    clients: int
    text: str


class Ledger:
    """All groups of one or several logs."""

    def __init__(self) -> None:
        self._groups: dict[tuple[object, ...], Group] = {}
        self.timeline = Timeline()
        self.events = 0
        self.left_out = 0

    def add(self, event: Event) -> None:
        key = event.program, event.cause, event.complainant, event.noise, event.upstream
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= MAX_GROUPS:
                self.left_out += 1
                return
            group = self._groups[key] = Group(event)
        self.events += 1
        group.add(event)
        if event.at is not None and not event.noise:
            self.timeline.add(event.at, event.cause)

    @property
    def groups(self) -> list[Group]:
        """Those that matter by clients affected, then scanners' noise."""
        return sorted(
            self._groups.values(), key=lambda g: (g.noise, -len(g.clients), -g.events, g.cause)
        )

    def onsets(
        self, begun: float | None, changes: Iterable[tuple[float | None, str, str]]
    ) -> list[Onset]:
        """What began after the log itself did.

        Args:
            begun: time of the log's first line.
            changes: (time, program, what), of the log or known otherwise.

        """
        known = sorted((at, name, what) for at, name, what in changes if at is not None)
        found: list[Onset] = []
        for group in self.groups:
            late = begun is not None and group.first is not None and group.first - begun > _LATE
            if group.noise or group.first is None or group.events < _FEW:
                continue
            before = [
                (at, what)
                for at, name, what in known
                if name in ("", group.program) and -1 <= group.first - at <= CHANGE_WINDOW
            ]
            if not before and not late:
                continue
            at, what = before[-1] if before else (None, None)
            found.append(
                Onset(group.program, group.cause, len(group.clients), group.first, what, at)
            )
        return found

    def hints(self) -> list[Hint]:
        """Clients of one network that alone reject the certificate."""
        found: list[Hint] = []
        for group in self.groups:
            if group.cause not in _REJECTS or group.upstream or group.complainant != "client":
                continue
            total = sum(group.networks.values())
            if total < _FEW:
                continue
            network, count = group.networks.most_common(1)[0]
            elsewhere = {
                network_of(client)
                for other in self._groups.values()
                if other is not group and other.program == group.program
                for client in list(other.clients)[:1000]
            } - {network}
            if count >= 0.9 * total and (elsewhere or total > count):
                text = (
                    f"{count} of {total} clients that reject the certificate are in {network}, while other"
                    " networks reach the same server: somebody may stand in between there, or its machines"
                    " lack a root."
                )
                found.append(Hint(group.program, network, count, text))
        return found


def network_of(address: str) -> str:
    """The /24 or /48 that an address is in; a name stays as it is."""
    head, dot, last = address.rpartition(".")
    if dot and last.isdigit() and head.count(".") == 2:
        return f"{head}.0/24"
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    groups = parsed.exploded.split(":")
    return f"{':'.join(group.lstrip('0') or '0' for group in groups[:3])}::/48"
