"""httpx over connections whose bytes are counted, TLS and all, where they enter and leave the socket."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import anyio
import anyio.abc
import httpcore
from httpcore._backends.anyio import AnyIOStream

from detector.chain.names import as_address
from detector.net.bare_httpx import httpx
from detector.net.traffic import TRAFFIC


class CountedHttp(httpx.AsyncHTTPTransport):
    """A transport as httpx makes it; takes what that takes."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        # httpcore's pools take a backend; httpx hands none on.
        self._pool._network_backend = _Backend()  # noqa: SLF001


class _Backend(httpcore.AnyIOBackend):
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
        found: Any = await super().connect_tcp(host, port, timeout, local_address, socket_options)
        TRAFFIC.opened()
        return _Stream(_Counted(found._stream))  # noqa: SLF001 (what TLS will be wrapped around)


class _Stream(AnyIOStream):
    """httpcore's own, which leaves the socket open where a handshake is cut off: its server would wait on it."""

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's shape)
    ) -> httpcore.AsyncNetworkStream:
        try:
            found: Any = await super().start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            with anyio.CancelScope(shield=True):
                await self.aclose()
            raise
        return _Stream(found._stream)  # noqa: SLF001 (another handshake may be within a proxy's)


class _Counted(anyio.abc.ByteStream):
    """A stream that counts; all else is the stream's own."""

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream

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
        await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return self._stream.extra_attributes
