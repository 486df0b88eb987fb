"""What asking on the network shows: names, proxies, the way out, what time others have. Bounded, and nothing is trusted."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

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
) -> tuple[ProxyFacts, ...]:
    """Those that hosts are asked by, and those that only other programs use.

    Args:
        routing: the way that is used; None where it cannot be understood.
        trouble: why it cannot.
        others: URLs of `other_proxies`.
        seconds: for each.
        ask: whether to connect to them.

    """
    found: list[ProxyFacts] = []
    if trouble is not None:
        found.append(_misread(trouble))
    used: list[Proxy] = []
    if routing is not None:
        try:
            used = [way for way in await routing.choose(shipped.canaries()[0], 443) if way]
        except TlsightError as error:
            found.append(_misread(error))
    own = {way.url for way in used}
    told = [(way.url, way.named_by, True) for way in used]
    told += [(url, "this system", False) for url in others if url not in own]
    for url, named_by, is_used in told:
        why = await _knock(url, seconds) if ask else ""
        found.append(ProxyFacts(url, named_by, is_used, why, ask))
    return tuple(found)


def _misread(error: TlsightError) -> ProxyFacts:
    return ProxyFacts("", "", True, error.message, remedy=error.remedy)


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
