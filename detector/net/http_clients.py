"""httpx's clients, one for each way out, and whose doing it is where something breaks below them.

The libraries under httpx keep count of what a peer allows: streams, windows, tables of headers. A peer that changes its
mind, or a request that was cut off midway, makes them lose that count, and then they raise whatever Python raises
there. So what comes from within them is a peer's doing, whatever it is called (`is_below`). What comes out of httpx's
own interface, or of a function of ours that they called, is a mistake of ours and goes on as one.

A client that has such a connection would use it for the next request too. It is let go: who is using it finishes,
nobody else is given it.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from detector.net.bare_httpx import httpx
from detector.net.routes import Proxy

_BELOW = frozenset(("anyio", "h11", "h2", "hpack", "httpcore", "hyperframe", "socksio"))


def is_below(error: BaseException) -> bool:
    """Whether it was raised within the libraries under httpx, or by what they called."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        whose = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if whose not in sys.stdlib_module_names:
            return whose in _BELOW
    return False


@dataclass(slots=True)
class _Held:
    client: httpx.AsyncClient
    users: int = 0
    let_go: bool = False


class HttpClients:
    """Made when they are first used.

    Args:
        make: a client for one proxy, or for none.

    """

    def __init__(self, make: Callable[[Proxy | None], httpx.AsyncClient]) -> None:
        self._make = make
        self._held: dict[Proxy | None, _Held] = {}

    def ready(self, proxy: Proxy | None) -> httpx.AsyncClient:
        """The client, for nothing but its being there."""
        return self._of(proxy).client

    @asynccontextmanager
    async def lent(self, proxy: Proxy | None) -> AsyncGenerator[httpx.AsyncClient]:
        """The client, for one request."""
        held = self._of(proxy)
        held.users += 1
        try:
            yield held.client
        except BaseException as error:
            # A stream too many is httpx's LocalProtocolError: on another connection it may be none.
            spoilt = isinstance(error, asyncio.CancelledError | httpx.LocalProtocolError)
            if (spoilt or is_below(error)) and self._held.get(proxy) is held:
                held.let_go = True
                del self._held[proxy]
            raise
        finally:
            held.users -= 1
            if held.let_go and not held.users:
                await _closed(held.client)

    async def close(self) -> None:
        """All of them; never raises for what a peer sent."""
        while self._held:
            _, held = self._held.popitem()
            await _closed(held.client)

    def _of(self, proxy: Proxy | None) -> _Held:
        if proxy not in self._held:
            self._held[proxy] = _Held(self._make(proxy))
        return self._held[proxy]


async def _closed(client: httpx.AsyncClient) -> None:
    try:
        await client.aclose()
    except Exception as error:
        if not (is_below(error) or isinstance(error, httpx.HTTPError | OSError)):
            raise
