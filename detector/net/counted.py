"""httpx over connections whose bytes are counted, TLS and all, where they enter and leave the socket.

They are closed with the transport, each of them: httpcore forgets one whose handshake is cut off, and one that a
request waits for which is cut off meanwhile. Its server would wait on it until the collector came by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

import anyio
import anyio.abc
import httpcore

from detector.chain.names import as_address
from detector.net.bare_httpx import httpx
from detector.net.traffic import TRAFFIC


class CountedHttp(httpx.AsyncHTTPTransport):
    """A transport as httpx makes it; takes what that takes."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        # httpcore's pools take a backend; httpx hands none on.
        self._pool._network_backend = self._backend = _Backend()  # noqa: SLF001

    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            await self._backend.close()

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        at: TracebackType | None = None,
    ) -> None:
        await self.aclose()


class _Backend(httpcore.AnyIOBackend):
    def __init__(self) -> None:
        self._opened: set[_Counted] = set()
        self._closed = False
        # A task that nobody holds may be collected before its end.
        self._closing: set[asyncio.Future[None]] = set()

    async def close(self) -> None:
        """All of them, and those that are still on their way as they come."""
        self._closed = True
        for stream in tuple(self._opened):
            self._hang_up(stream)
        if self._closing:
            await asyncio.wait(
                tuple(self._closing)
            )  # who is cut off here as well has them closed all the same

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's shape)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if as_address(host) is None:
            TRAFFIC.named()
        # Who is cut off the moment it connects would never see the socket.
        connecting = asyncio.ensure_future(
            super().connect_tcp(host, port, timeout, local_address, socket_options)
        )
        connecting.add_done_callback(self._count)
        found: Any = await asyncio.shield(connecting)
        TRAFFIC.opened()
        return found  # type: ignore[no-any-return]

    def _count(self, connecting: asyncio.Future[Any]) -> None:
        if connecting.cancelled() or connecting.exception() is not None:
            return
        found = connecting.result()
        found._stream = _Counted(found._stream, self._opened)  # noqa: SLF001 (what TLS will be wrapped around)
        if self._closed:
            self._hang_up(found._stream)  # noqa: SLF001

    def _hang_up(self, stream: _Counted) -> None:
        closing = asyncio.ensure_future(stream.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


class _Counted(anyio.abc.ByteStream):
    """A stream that counts, and is in `opened` until it is closed; all else is the stream's own."""

    def __init__(self, stream: anyio.abc.ByteStream, opened: set[_Counted]) -> None:
        self._stream = stream
        self._opened = opened
        opened.add(self)

    async def receive(self, max_bytes: int = 65536) -> bytes:
        data = await self._stream.receive(max_bytes)
        TRAFFIC.came(len(data))
        return data

    async def send(self, item: bytes) -> None:
        TRAFFIC.out(len(item))
        await self._stream.send(item)

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        self._opened.discard(self)
        await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return self._stream.extra_attributes
