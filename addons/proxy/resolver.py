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

import msgspec

from addons.bypass.bounded import placed
from detector import clock

Places = tuple[str, ...]
WAIT = 3.0
SYSTEM_LIFE = 60.0
# What no answer is kept for, so that a resolver that is down is not asked by everybody.
FAILED_LIFE = 5.0
_SHORTEST, _LONGEST = 1.0, 3600.0
STALE = 600.0
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


class Resolver:
    """`await addresses(name)`; `known(name)` only looks at what is kept.

    Args:
        servers: DNS servers to ask; the operating system when there are none.

    """

    def __init__(self, servers: Sequence[Server] = ()) -> None:
        self._ask: Callable[[str], Awaitable[Answer]]
        if servers:
            self._ask = _Dns(servers).ask
        else:
            self._ask = _System().ask
        self._kept: dict[str, Answer] = {}
        self._looking: dict[str, asyncio.Task[Answer]] = {}
        self._by_client: Counter[str] = Counter()

    def known(self, name: str) -> Answer | None:
        """What is kept of a name and still lives."""
        kept = self._kept.get(name)
        return kept if kept is not None and kept.until > clock.stopwatch() else None

    async def addresses(self, name: str, client: str = "") -> Places | None:
        """Its addresses, () where it has none; None where nobody could tell, after WAIT at most."""
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
            async with asyncio.timeout(WAIT):
                found = await self._ask(name)
        except (TimeoutError, OSError):
            found = Answer(None, clock.stopwatch() + FAILED_LIFE)
        finally:
            self._looking.pop(name, None)
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]
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
            life = SYSTEM_LIFE if absent else FAILED_LIFE
            return Answer(() if absent else None, clock.stopwatch() + life)
        except UnicodeError:
            return Answer((), clock.stopwatch() + SYSTEM_LIFE)
        return _good(found, SYSTEM_LIFE)


def _getaddrinfo(name: str) -> Places:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))[:_MOST_PLACES]


class _Dns:
    """A and AAAA records of the servers that were named."""

    def __init__(self, servers: Sequence[Server]) -> None:
        import dns.asyncresolver
        import dns.nameserver

        self._resolver = dns.asyncresolver.Resolver(configure=False)
        self._resolver.nameservers = [
            dns.nameserver.Do53Nameserver(one.address, one.port) for one in servers
        ]
        self._resolver.lifetime = WAIT

    async def ask(self, name: str) -> Answer:
        found = await asyncio.gather(self._records(name, "A"), self._records(name, "AAAA"))
        told = [one for one in found if one.places is not None]
        places = tuple(place for one in told for place in one.places or ())[:_MOST_PLACES]
        if not places and len(told) < len(found):  # one family failed, the other has none
            return Answer(None, clock.stopwatch() + FAILED_LIFE)
        return _good(places, min(one.until for one in told) - clock.stopwatch())

    async def _records(self, name: str, kind: str) -> Answer:
        import dns.exception
        import dns.resolver

        try:
            found = await self._resolver.resolve(
                f"{name}.", kind, raise_on_no_answer=False, search=False
            )
        except dns.resolver.NXDOMAIN:
            return Answer((), clock.stopwatch() + SYSTEM_LIFE)
        except (dns.exception.DNSException, OSError, ValueError):
            return Answer(None, clock.stopwatch() + FAILED_LIFE)
        life = min(max(float(found.chaining_result.minimum_ttl), _SHORTEST), _LONGEST)
        places = tuple(str(one) for one in found.rrset or ())
        return Answer(places, clock.stopwatch() + life)


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
