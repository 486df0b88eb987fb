"""A server on a free loopback port, as an asynchronous context manager."""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self
from weakref import WeakSet


class Loopback(ABC):
    """`async with server: server.port`. A port set before is taken, else a free one.

    Args:
        context: makes it a TLS server; None speaks in clear.

    """

    def __init__(self, context: ssl.SSLContext | None, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self._tls = context
        self._server: asyncio.Server | None = None
        self._clients: WeakSet[asyncio.StreamWriter] = WeakSet()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._clients):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        await self.serve(reader, writer)

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
