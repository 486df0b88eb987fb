"""What is kept of one host and of one client, within bounds that no flood turns against others.

Rules
-----
1. Nothing is kept of a host for an attempt whose name is not bound to its address: names cost nothing.
2. Names that are bound may be made up too, below a domain that answers for every name. So when a table is
   full, what is proven stays before what is not, what was seen on several days before what came up today,
   what many clients saw before what one did, and the latest before the rest.
3. One client gives so much evidence a day (REFUSALS_A_DAY, HOSTS_A_DAY), brings in so many hosts that nobody
   knew (NEW_HOSTS_A_DAY), and has so many places of a host's table (PRINTS_OF_CLIENT). All clients of one other
   gateway have MARKS_OF_GATEWAY of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from addons.bypass.bounded import placed, seated, shed
from addons.bypass.clients import Client

# Hosts and clients remembered at all, and of each.
MAX_HOSTS, MAX_CLIENTS, MAX_MARKS = 20_000, 20_000, 100_000
MAX_OF_HOST, MAX_DOMAINS, MAX_PROGRAMS, MAX_ADDRESSES = 64, 200, 50, 32
PRINTS_OF_CLIENT = 4
# Of the marks of a host, those that another gateway may tell of.
MARKS_OF_GATEWAY = 16
REFUSALS_A_DAY, HOSTS_A_DAY, NEW_HOSTS_A_DAY = 300, 60, 500

Print = str | None


class Mark(NamedTuple):
    """One client's failures at a host, summed up as of the last."""

    weight: float
    last: datetime
    address: str | None
    port: int


class Host:
    """Of one name that is bound."""

    __slots__ = (
        "clients", "day", "days", "fell_back", "first", "invalid", "last", "proven", "refusals",
        "successes", "touched", "upstream",
    )  # fmt: skip

    def __init__(self, at: datetime) -> None:
        self.first = self.last = self.touched = at
        self.day, self.days = at.date(), 1
        self.clients = set[str]()
        self.proven = False
        self.refusals: dict[tuple[Client, Print], Mark] = {}
        self.successes: dict[Print, dict[str, datetime]] = {}
        self.upstream: dict[tuple[str, Client], Mark] = {}
        # By address and port, "" for one that is not known.
        self.invalid: dict[tuple[str, int], datetime] = {}
        self.fell_back: dict[str, int] = {}

    def rank(self) -> tuple[Any, ...]:
        return (self.proven, self.days, len(self.clients), self.touched)

    def seen(self, client: Client, at: datetime) -> None:
        self.proven |= client.proven
        if len(self.clients) < MAX_OF_HOST:
            self.clients.add(client.name)
        if at.date() != self.day:  # clocks are put back too
            self.day, self.days = at.date(), self.days + 1
        self.touched = max(self.touched, at)

    def took(self, client: Client, ja4: Print, at: datetime) -> None:
        """The client took our certificate here."""
        by = self.successes.get(ja4)
        if by is None:
            own = sum(client.name in some for some in self.successes.values())
            if own >= PRINTS_OF_CLIENT:  # one that shows many faces does not push out others'
                return
            by = seated(self.successes, ja4, {}, MAX_OF_HOST, _takers)
        placed(by, client.name, at, MAX_OF_HOST)
        if self.refusals.pop((client, ja4), None) is not None:
            before = self.fell_back.get(client.name, 0)
            placed(self.fell_back, client.name, before + 1, MAX_OF_HOST)

    def refused(self, client: Client, ja4: Print, mark: Mark) -> None:
        if (client, ja4) not in self.refusals:
            own = [key for key in self.refusals if key[0] == client]
            if len(own) >= PRINTS_OF_CLIENT:
                del self.refusals[own[0]]
            told = [key for key in self.refusals if key[0].via == client.via is not None]
            if len(told) >= MARKS_OF_GATEWAY:
                self._make_room(told)
            elif len(self.refusals) >= MAX_OF_HOST:
                self._make_room(self.refusals)
        self.refusals[client, ja4] = mark
        self.last = mark.last

    def failed(self, kind: str, client: Client, mark: Mark) -> None:
        """The server could not be spoken to."""
        seated(self.upstream, (kind, client), mark, MAX_OF_HOST, lambda one: (one.weight, one.last))
        self.last = mark.last

    def marks(self) -> int:
        return len(self.refusals) + len(self.successes) + len(self.upstream)

    def _make_room(self, among: Iterable[tuple[Client, Print]]) -> None:
        def rank(key: tuple[Client, Print]) -> tuple[Any, ...]:
            mark = self.refusals[key]
            return (key[0].proven, mark.weight, mark.last)

        del self.refusals[min(among, key=rank)]


class Program:
    """A client's connections with one fingerprint."""

    __slots__ = ("complained", "failed", "took")

    def __init__(self) -> None:
        self.failed = set[str]()
        self.took = False
        self.complained = False

    def rank(self) -> tuple[bool, int]:
        return (self.took, len(self.failed))


class Seen:
    """Of one client: where it trusted us and where not, and what it has said today."""

    __slots__ = (
        "_brought",
        "_hosts",
        "_refusals",
        "day",
        "days",
        "last",
        "programs",
        "proven",
        "took",
        "trusts",
    )

    def __init__(self, client: Client, at: datetime) -> None:
        self.proven = client.proven
        self.last = at
        self.day, self.days = at.date(), 1
        self.took = False
        self.trusts = set[str]()
        self.programs: dict[Print, Program] = {}
        self._hosts = set[str]()
        self._refusals = self._brought = 0

    def rank(self) -> tuple[Any, ...]:
        return (self.proven, self.days, self.took, self.last)

    def at(self, moment: datetime) -> None:
        if moment.date() != self.day:  # clocks are put back too
            self.day, self.days = moment.date(), self.days + 1
            self._hosts.clear()
            self._refusals = self._brought = 0
        self.last = max(self.last, moment)

    def may_say(self, host: str) -> bool:
        """One more failure at a host is within what a client can say in a day."""
        if self._refusals >= REFUSALS_A_DAY:
            return False
        if host not in self._hosts and len(self._hosts) >= HOSTS_A_DAY:
            return False
        self._hosts.add(host)
        self._refusals += 1
        return True

    def may_bring(self) -> bool:
        """One more host that nobody knew."""
        self._brought += 1
        return self._brought <= NEW_HOSTS_A_DAY

    def program(self, ja4: Print) -> Program:
        found = self.programs.get(ja4)
        if found is None:
            found = seated(self.programs, ja4, Program(), MAX_PROGRAMS, Program.rank)
        return found

    def failed(self) -> set[str]:
        """Domains on which it refused us, with whatever program."""
        return set[str]().union(*(one.failed for one in self.programs.values()))

    def complained(self) -> bool:
        """It said so at least once, by an alert."""
        return any(one.complained for one in self.programs.values())


class Evidence:
    """Hosts by name and clients by name."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.clients: dict[str, Seen] = {}
        self._since = 0

    def host(self, name: str, client: Client, at: datetime) -> Host | None:
        """One that is bound, made when it was not known; None where the client has brought in too many."""
        found = self.hosts.get(name)
        if found is None:
            seen = self.client(client, at, bound=True)
            if seen is None or not seen.may_bring():
                return None
            found = seated(self.hosts, name, Host(at), MAX_HOSTS, Host.rank)
        found.seen(client, at)
        self._since += 1
        if self._since >= MAX_MARKS // 8:
            self._since = 0
            while sum(one.marks() for one in self.hosts.values()) > MAX_MARKS:
                shed(self.hosts, len(self.hosts) // 8 + 1, Host.rank)
        return found

    def client(self, client: Client, at: datetime, *, bound: bool) -> Seen | None:
        """What is known of one; None where only an unbound name would bring in a further one."""
        found = self.clients.get(client.name)
        if found is None:
            if not bound and len(self.clients) >= MAX_CLIENTS:
                return None
            found = seated(self.clients, client.name, Seen(client, at), MAX_CLIENTS, Seen.rank)
        found.at(at)
        return found


def _takers(by: dict[str, datetime]) -> tuple[int, datetime]:
    return (len(by), max(by.values()))
