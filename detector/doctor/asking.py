"""What asking on the network shows: names, proxies, the way out, what time others have. Bounded, and nothing is trusted."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from detector import clock
from detector.agent.senses.portal import portal
from detector.agent.senses.proxies import ProxySense, of_variables
from detector.agent.senses.resolvers import read_resolvers
from detector.doctor.facts import NetworkFacts, ProxyFacts
from detector.errors import TlsightError
from detector.knowledge import shipped
from detector.net.plain_http import PlainAnswer, ask_plainly
from detector.net.routes import PAC, Proxy, Routing
from detector.net.stream import connect, resolve

_NAMES = 3
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class SetWay(msgspec.Struct, frozen=True):
    """A way that the settings of one verb name: the verb, the setting, and what understands it, which may raise what
    TlsightError is.
    """

    verb: str
    named_by: str
    way: Callable[[], Routing]


def other_proxies(environment: Mapping[str, str]) -> tuple[str, ...]:
    """URLs that the desktop and shared files name, without logins, and no variable of ours."""
    from detector.stores.survey import home_folders

    homes = home_folders(Path("/"))[:1]
    ours = set(of_variables(environment))
    found = ProxySense(environment, homes, desktop=True).now()
    return tuple(url for url in found if url not in ours)


async def ask_proxies(
    routing: Routing | None,
    trouble: TlsightError | None,
    others: Sequence[str],
    seconds: float,
    *,
    ask: bool,
    named: Sequence[SetWay] = (),
) -> tuple[ProxyFacts, ...]:
    """Those that hosts are asked by, and those that only other programs use.

    Args:
        routing: the way that is used; None where it cannot be understood.
        trouble: why it cannot.
        others: URLs of `other_proxies`.
        seconds: for each.
        ask: whether to connect to them.
        named: ways of single verbs.

    """
    found: list[ProxyFacts] = []
    if trouble is not None:
        found.append(_misread(trouble))
    told: list[tuple[str, str, bool, str]] = []
    if routing is not None:
        try:
            told = [(way.url, way.named_by, True, "") for way in await _ways(routing)]
        except TlsightError as error:
            found.append(_misread(error))
    for one in named:
        try:
            ways = [(way.url, one.named_by, True, one.verb) for way in await _ways(one.way())]
        except TlsightError as error:
            found.append(_misread(error, one.verb))
        else:
            told += ways
            if not ways:
                found.append(ProxyFacts("", one.named_by, True, verb=one.verb))
    own = {url for url, *_ in told}
    told += [(url, "this system", False, "") for url in others if url not in own]
    answers: dict[str, str] = {}
    for url, named_by, is_used, verb in told:
        if ask and url not in answers:
            answers[url] = await _knock(url, seconds)
        found.append(ProxyFacts(url, named_by, is_used, answers.get(url, ""), ask, verb=verb))
    return tuple(found)


async def _ways(routing: Routing) -> list[Proxy]:
    """Those to a well-known site, without the straight one."""
    return [way for way in await routing.choose(shipped.canaries()[0], 443) if way]


def _misread(error: TlsightError, verb: str = "") -> ProxyFacts:
    return ProxyFacts("", "", True, error.message, remedy=error.remedy, verb=verb)


async def ask_network(routing: Routing, seconds: float) -> NetworkFacts:
    """Names, the way out, and the time."""
    dates: list[tuple[str, datetime, datetime]] = []

    async def ask(url: str) -> PlainAnswer:
        answer = await ask_plainly(url, routing, seconds)
        with suppress(ValueError, TypeError, IndexError, OverflowError):
            said = parsedate_to_datetime(answer.date)
            said = said if said.tzinfo is not None else said.replace(tzinfo=UTC)
            dates.append((urlsplit(url).hostname or "", said, clock.now()))
        return answer

    names = shipped.canaries()[:_NAMES]
    proxy = await _first(routing, names[0])
    straight = proxy is None
    resolved, way = await asyncio.gather(
        asyncio.gather(*(_resolved(name, seconds) for name in names if straight)),
        portal(random.Random(), routing=routing, seconds=seconds, ask=ask),  # noqa: S311 - who is asked
    )
    return NetworkFacts(
        read_resolvers(), tuple(resolved), way, _has_ipv6(), tuple(dates),
        through="" if proxy is None else proxy.url,
    )  # fmt: skip


async def _first(routing: Routing, host: str) -> Proxy | None:
    try:
        return (await routing.choose(host, 443))[0]
    except TlsightError:
        return None


async def _resolved(name: str, seconds: float) -> tuple[str, int, str]:
    try:
        async with asyncio.timeout(seconds):
            return name, len(await resolve(name, 443)), ""
    except TlsightError as error:
        return name, 0, getattr(error, "why", "") or error.message
    except TimeoutError:
        return name, 0, f"no answer within {seconds:g} s"


async def _knock(url: str, seconds: float) -> str:
    """Why a proxy cannot be connected to; empty where it can. A PAC file is asked elsewhere."""
    if url.startswith(PAC):
        return ""
    try:
        where = urlsplit(url)
        host, port = where.hostname or "", where.port or _PORTS.get(where.scheme, 80)
        async with asyncio.timeout(seconds):
            stream = await connect(await resolve(host, port))
        stream.close()
    except TimeoutError:
        return f"does not answer within {seconds:g} s"
    except TlsightError as error:
        return error.message
    except ValueError as error:
        return f"is no URL: {error}"
    return ""


def _has_ipv6() -> bool:
    """Whether the system has a way; nothing is sent (a datagram socket that is connected sends nothing)."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asked:
            asked.connect(("2001:4860:4860::8888", 53))
    except OSError:
        return False
    return True
