"""What changes on this machine that may change who stands in the way: one stream of all senses.

Whatever stirs (a message of the kernel, a file that was written, a look from time to time) only wakes: then everything is looked
at, and only what is another than before is told, once it has been quiet for a moment. So a lease that is renewed, a
bundle that is written with the same content, or a link that flaps and comes back say nothing.

Linux tells of the network by netlink. Files are looked at by their times, every `tick` seconds: twenty calls of stat cost a
hundredth of what a thread costs that waits for the kernel to tell (watchfiles wakes up to look whether it shall end). What
nothing stirs for, such as a file written in place in a folder of many, is seen by the look every `every` seconds.
On other systems than Linux there is only that look, at the
address that packets would leave from, the resolvers and the proxy: a change is seen `every` seconds late at most, and one
between two places with the same addresses is not seen at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple, Self

from detector import clock
from detector.agent.senses.clocks import Clocks, between
from detector.agent.senses.kernel import NEW_NEIGHBOUR, read_neighbour
from detector.agent.senses.network import read_facts
from detector.agent.senses.proxies import DCONF, KDE, ProxySense
from detector.agent.senses.resolvers import FILES
from detector.agent.senses.standing import Standing, compare, remembering, standing
from detector.agent.senses.trust import TrustSense
from detector.net import netlink
from detector.net.session_bus import bus_address
from detector.net.source import source_towards

Kind = Literal["network", "resume", "trust", "proxy", "clock"]
# Addresses that stand for everywhere; nothing is sent to them (RFC 5737, RFC 3849 are never routed elsewhere).
_EVERYWHERE = ("192.0.2.1", "2001:db8::1")
_SETTLED_AT_LAST = 5
_MOST_UNREAD = 64


class Change(NamedTuple):
    """What is another than before.

    Attributes:
        about: in a few words, which part of it; paths of stores.

    """

    kind: Kind
    about: str


class Pace(NamedTuple):
    """Seconds.

    Attributes:
        settle: how long it must be quiet before a look.
        tick: between looks at the clocks.
        every: between looks at everything, whether something stirred or not.

    """

    settle: float = 2.0
    tick: float = 10.0
    every: float = 120.0


def system_clocks() -> Clocks:
    """Of this machine, now."""
    return Clocks(clock.now(), clock.since_boot(), clock.awake(), clock.COUNTS_SLEEP)


async def changes(
    environment: Mapping[str, str],
    homes: Iterable[Path] = (),
    *,
    root: Path = Path("/"),
    pace: Pace | None = None,
    clocks: Callable[[], Clocks] = system_clocks,
    desktop: bool | None = None,
) -> AsyncIterator[Change]:
    """Each change, from the first look on, which tells nothing; ends when it is closed.

    Args:
        environment: the agent's.
        homes: whose stores and settings count as well.
        root: where /etc, /run and /usr are.
        pace: how often to look.
        clocks: how to ask what time it is.
        desktop: ask the user's session for its proxy; where there is a session when left out.

    """
    if desktop is None:
        desktop = bus_address(environment) is not None
    senses = _Senses(environment, tuple(homes), root, desktop=desktop)
    told: asyncio.Queue[Change] = asyncio.Queue(_MOST_UNREAD)
    stirred = asyncio.Event()
    looking = asyncio.create_task(_look_on(senses, stirred, pace or Pace(), clocks, told))
    try:
        while True:
            coming = asyncio.ensure_future(told.get())
            await asyncio.wait((coming, looking), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                looking.result()  # raises what ended it
            yield coming.result()
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _look_on(
    senses: _Senses,
    stirred: asyncio.Event,
    pace: Pace,
    clocks: Callable[[], Clocks],
    told: asyncio.Queue[Change],
) -> None:
    """Look while whoever reads takes his time; of more than a few unread changes the later ones are left out."""

    def tell(change: Change) -> None:
        if not told.full():
            told.put_nowait(change)

    with _Ear(stirred.set) as ear:
        stamps = senses.stamps()  # before the look: what is written meanwhile is looked at again
        before = senses.look()
        ear.gateways = frozenset(before.network.hardware.items())
        last = clocks()
        looked = last.since_boot
        while True:
            await _wait(stirred, pace.tick)
            at = clocks()
            for kind, about in between(last, at, pace.tick + _SETTLED_AT_LAST * pace.settle):
                tell(Change(kind, about))
                stirred.set()  # a machine that slept may be somewhere else
            last = at
            if senses.stamps() != stamps:
                stirred.set()
            if not stirred.is_set() and at.since_boot - looked < pace.every:
                continue
            await _settle(stirred, pace.settle)
            looked = clocks().since_boot
            stamps = senses.stamps()
            after = senses.look()
            for change in senses.between(before, after):
                tell(change)
            before = after
            ear.gateways = frozenset(after.network.hardware.items())


class _Look(NamedTuple):
    network: Standing
    source: tuple[str | None, ...]
    proxies: tuple[str, ...]
    trust: Mapping[Path, str]


class _Senses:
    """All that is looked at."""

    def __init__(
        self, environment: Mapping[str, str], homes: tuple[Path, ...], root: Path, *, desktop: bool
    ) -> None:
        self._root, self._homes = root, homes
        self._proxies = ProxySense(environment, homes, root, desktop=desktop)
        self._trust = TrustSense(environment, homes, root)
        self._by_kernel = netlink.is_there()
        self._before: Standing | None = None
        self._watched = self._to_watch()

    def look(self) -> _Look:
        facts = read_facts(self._proxies.now, self._root)
        network = standing(facts)
        if self._before is not None:
            network = remembering(self._before, network)
        self._before = network
        self._watched = self._to_watch()
        source = () if self._by_kernel else tuple(source_towards(to, 443) for to in _EVERYWHERE)
        return _Look(network, source, facts.proxies, self._trust.now())

    @staticmethod
    def between(before: _Look, after: _Look) -> Iterable[Change]:
        said = compare(before.network, after.network)
        if before.source != after.source:
            said = (*said, "own address")
        if said:
            yield Change("network", ", ".join(said))
        if before.proxies != after.proxies:
            yield Change("proxy", ", ".join(after.proxies) or "none")
        other = {path for path, _ in before.trust.items() ^ after.trust.items()}
        if other:
            more = f" and {len(other) - 1} more" if len(other) > 1 else ""
            yield Change("trust", f"{min(other)}{more}")

    def stamps(self) -> list[tuple[int, int, int]]:
        """Times of what is watched: cheap, and another where something was written."""
        return [_stamp(path) for path in self._watched]

    def _to_watch(self) -> list[Path]:
        named = [self._root / name for name in (*FILES, "etc/environment", "etc/environment.d")]
        for home in self._homes:
            named += [home / DCONF, home / KDE, home / ".config/environment.d"]
        return sorted({*named, *self._trust.files(), *self._trust.folders()})


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


class _Ear:
    """What the kernel says wakes; neighbours only where a gateway is another box now. Deaf where there is no netlink."""

    def __init__(self, stir: Callable[[], None]) -> None:
        self._stir = stir
        self._listener: netlink.Listener | None = None
        self.gateways: frozenset[tuple[tuple[str, str], bytes]] = frozenset()

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._listener = netlink.Listener()
            asyncio.get_running_loop().add_reader(self._listener.fileno(), self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener.fileno())
            self._listener.__exit__(None, None, None)

    def _hear(self) -> None:
        assert self._listener is not None
        heard, lost = self._listener.heard()
        known = {(address, hardware) for (_, address), hardware in self.gateways}
        addresses = {address for address, _ in known}
        for one in heard:
            if one.kind < NEW_NEIGHBOUR:
                lost = True
            elif one.kind == NEW_NEIGHBOUR:
                for near in read_neighbour(one.body):
                    told = (str(near.address), near.hardware)
                    lost = lost or (told[0] in addresses and told not in known)
        if lost:
            self._stir()


async def _wait(stirred: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stirred.wait()


async def _settle(stirred: asyncio.Event, seconds: float) -> None:
    """Until it has been quiet for so long, or has not become so for a while."""
    for _ in range(_SETTLED_AT_LAST):
        stirred.clear()
        await asyncio.sleep(seconds)
        if not stirred.is_set():
            return
    stirred.clear()
