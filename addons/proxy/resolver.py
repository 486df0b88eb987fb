"""Names to addresses for the bypass decision: asynchronous, kept for as long as the answer says, bounded.

Theory of operation
-------------------
Without servers of its own it asks the operating system, as mitmproxy does when it connects (hosts file, search list,
whatever nsswitch.conf says). That tells no lifetime: such answers are kept for SYSTEM_LIFE. With `bypass_resolver` the
servers named there are asked by DNS, and an answer lives as long as the shortest record on its way, CNAMEs included
(RFC 1035 section 3.2.1). Several who ask for one name wait for one look-up. A look-up is given up after WAIT; at most
LOOKING run at a time, and LOOKING_FOR_ONE for one client: whoever comes then is told that nothing can be said, and is
inspected. Where a name cannot be looked up again, its last answer stands for STALE seconds more (RFC 8767).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import msgspec

from addons.bypass.bounded import placed
from detector import clock
from detector.errors import WireError
from detector.wire.ech import public_names

Places = tuple[str, ...]
WAIT = 3.0
SYSTEM_LIFE = 60.0
# What no answer is kept for, so that a resolver that is down is not asked by everybody.
FAILED_LIFE = 5.0
_SHORTEST, _LONGEST = 1.0, 3600.0
STALE = 600.0
# An HTTPS record is one more thing to know; where it cannot be had the table of outer names has to do.
OUTER_WAIT, OUTER_FAILED_LIFE = 1.0, 300.0
LOOKING, LOOKING_FOR_ONE = 64, 8
_MOST = 20_000
_MOST_PLACES = 256


class Server(msgspec.Struct, frozen=True):
    """A DNS server, by address."""

    address: str
    port: int = 53


class Answer(msgspec.Struct, frozen=True):
    """What is known of a name.

    Attributes:
        places: its addresses, () where it has none, None where nobody could tell.
        until: of the stopwatch; then it is asked for again.
        stands: until when it stands where nobody can tell any more.

    """

    places: Places | None
    until: float
    stands: float = 0.0


_NOTHING = Answer(None, 0.0)


class Resolver:
    """`await addresses(name)`; `known(name)` only looks at what is kept.

    Args:
        servers: DNS servers to ask; the operating system when there are none.

    """

    def __init__(self, servers: Sequence[Server] = ()) -> None:
        # HTTPS records are asked for by DNS, whoever is asked for addresses.
        records = _Dns(servers)
        ask = records.ask if servers else _System().ask
        by_client: Counter[str] = Counter()
        self._addresses = _Kept(ask, by_client, WAIT, FAILED_LIFE)
        self._outer = _Kept(records.hidden_behind, by_client, OUTER_WAIT, OUTER_FAILED_LIFE)

    @staticmethod
    def begin() -> None:
        """Load what look-ups need, before there is a client: the first one's WAIT would pay for it."""
        _Dns.load()

    def known(self, name: str) -> Answer | None:
        """What is kept of a name and still lives."""
        return self._addresses.known(name)

    async def addresses(self, name: str, client: str = "") -> Places | None:
        """Its addresses, () where it has none; None where nobody could tell, after WAIT at most."""
        return await self._addresses.get(name, client)

    async def is_outer(self, name: str, client: str = "") -> bool:
        """Whether an HTTPS record says that clients show this name in place of others (RFC 9848)."""
        return name in (await self._outer.get(name, client) or ())


class _Kept:
    """Answers, each for its life, and who waits for which."""

    def __init__(
        self,
        ask: Callable[[str], Awaitable[Answer]],
        by_client: Counter[str],
        wait: float,
        failed: float,
    ) -> None:
        self._ask = ask
        self._by_client = by_client
        self._wait = wait
        self._failed = failed
        self._kept: dict[str, Answer] = {}
        self._looking: dict[str, asyncio.Task[Answer]] = {}

    def known(self, name: str) -> Answer | None:
        kept = self._kept.get(name)
        return kept if kept is not None and kept.until > clock.stopwatch() else None

    async def get(self, name: str, client: str) -> Places | None:
        kept = self.known(name)
        if kept is not None:
            return kept.places
        looking = self._looking.get(name)
        if looking is None:
            if len(self._looking) >= LOOKING or self._by_client[client] >= LOOKING_FOR_ONE:
                return None
            self._by_client[client] += 1
            looking = asyncio.create_task(self._look_up(name, client))
            self._looking[name] = looking
        return (await asyncio.shield(looking)).places

    async def _look_up(self, name: str, client: str) -> Answer:
        try:
            async with asyncio.timeout(self._wait):
                found = await self._ask(name)
        except (TimeoutError, OSError):
            found = Answer(None, 0.0)
        finally:
            self._looking.pop(name, None)
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]
        if found.places is None:
            found = Answer(None, clock.stopwatch() + self._failed)
        before = self._kept.pop(name, None)  # the one that was asked for last is the last to go
        if found.places is None and before is not None and before.stands > clock.stopwatch():
            found = Answer(before.places, found.until, before.stands)
        return placed(self._kept, name, found, _MOST)


def _good(places: Places, life: float) -> Answer:
    until = clock.stopwatch() + life
    return Answer(places, until, until + STALE)


class _System:
    """getaddrinfo, in threads of its own: a resolver that hangs keeps nobody else's threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(8, "bypass-resolver")

    async def ask(self, name: str) -> Answer:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _getaddrinfo, name)
        except socket.gaierror as error:
            absent = error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))
            return _good((), SYSTEM_LIFE) if absent else _NOTHING
        except UnicodeError:
            return _good((), SYSTEM_LIFE)
        return _good(found, SYSTEM_LIFE)


def _getaddrinfo(name: str) -> Places:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))[:_MOST_PLACES]


class _Dns:
    """Records of the servers that were named, else of those in resolv.conf."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers
        self._made: Any = None

    @staticmethod
    def load() -> None:
        """The library, and its readers of the records that are asked for, which it loads when the first one comes."""
        with suppress(ImportError):
            import dns.asyncbackend
            import dns.asyncresolver
            import dns.nameserver
            import dns.rdtypes.ANY.CNAME
            import dns.rdtypes.IN.A
            import dns.rdtypes.IN.AAAA
            import dns.rdtypes.IN.HTTPS

            dns.asyncbackend.get_backend("asyncio")

    async def ask(self, name: str) -> Answer:
        """A and AAAA records."""
        found = await asyncio.gather(self._records(name, "A"), self._records(name, "AAAA"))
        told = [one for one in found if one.places is not None]
        places = tuple(place for one in told for place in one.places or ())[:_MOST_PLACES]
        if not places and len(told) < len(found):  # one family failed, the other has none
            return _NOTHING
        return _good(places, min(one.until for one in told) - clock.stopwatch())

    async def hidden_behind(self, name: str) -> Answer:
        """The public names of the ECH configurations in its HTTPS record."""
        return await self._records(name, "HTTPS")

    async def _records(self, name: str, kind: str) -> Answer:
        import dns.exception
        import dns.resolver

        try:
            found = await self._resolver().resolve(
                f"{name}.", kind, raise_on_no_answer=False, search=False
            )
        except dns.resolver.NXDOMAIN:
            return _good((), SYSTEM_LIFE)
        except (dns.exception.DNSException, OSError, ValueError):
            return _NOTHING
        life = min(max(float(found.chaining_result.minimum_ttl), _SHORTEST), _LONGEST)
        rows = list(found.rrset or ())[:_MOST_PLACES]
        return _good(_public(rows) if kind == "HTTPS" else tuple(map(str, rows)), life)

    def _resolver(self) -> Any:
        if self._made is None:
            import dns.asyncresolver
            import dns.nameserver

            self._made = dns.asyncresolver.Resolver(configure=not self._servers)
            if self._servers:
                self._made.nameservers = [
                    dns.nameserver.Do53Nameserver(one.address, one.port) for one in self._servers
                ]
            self._made.lifetime = WAIT
        return self._made


def _public(rows: Sequence[Any]) -> Places:
    """What HTTPS records say of ECH; a list that cannot be read says nothing."""
    names: list[str] = []
    for row in rows:
        for one in row.params.values():
            configs = getattr(one, "ech", None)
            if isinstance(configs, bytes):
                with suppress(WireError):
                    names += public_names(configs)
    return tuple(names)


def read_servers(text: str) -> tuple[Server, ...]:
    """Servers as `bypass_resolver` names them: addresses with commas between, each with a port if need be.

    Raises ValueError.
    """
    return tuple(_server(one.strip()) for one in text.split(",") if one.strip())


def _server(text: str) -> Server:
    address, port = text, "53"
    if text.startswith("["):
        address, end, rest = text[1:].partition("]")
        if not end or not (rest == "" or rest.startswith(":")):
            raise ValueError(f"{text!r} is no address with a port")
        port = rest.removeprefix(":") or "53"
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    ipaddress.ip_address(address)  # a name would have to be resolved first
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{text!r} has no port between 1 and 65535")
    return Server(address, int(port))
