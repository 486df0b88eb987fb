"""The bytes of a NATS connection: asyncio's streams as asyncio means them to be made TLS, and counted.

What nats-py makes by hand is a reader that does not know that TLS lies under it, so each line that is cut has asyncio
complain. Counted is what is written and read here, and what TLS adds: a record's frame, and a handshake's two flights.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from nats.aio.transport import TcpTransport

from detector.net.traffic import TRAFFIC

if TYPE_CHECKING:
    from urllib.parse import ParseResult

# A line of the protocol: INFO and its certificates' names are the longest.
_LONGEST_LINE = 1 << 16


class CountedTransport(TcpTransport):
    """One connection's."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        TRAFFIC.named()
        await super().connect(uri, max(buffer_size, _LONGEST_LINE), connect_timeout)
        TRAFFIC.opened()

    async def connect_tls(
        self,
        uri: str | ParseResult,
        ssl_context: ssl.SSLContext,
        buffer_size: int,  # noqa: ARG002 (the library's shape)
        connect_timeout: int,
    ) -> None:
        assert self._io_writer is not None
        host = uri if isinstance(uri, str) else uri.hostname
        async with asyncio.timeout(connect_timeout):
            await self._io_writer.start_tls(ssl_context, server_hostname=host)
        TRAFFIC.shook_hands(self._io_writer.get_extra_info("ssl_object"))

    def write(self, payload: bytes) -> None:
        assert self._io_writer is not None
        TRAFFIC.out(TRAFFIC.sealed(len(payload)))
        self._io_writer.write(payload)

    def writelines(self, payload: list[bytes]) -> None:
        assert self._io_writer is not None
        TRAFFIC.out(TRAFFIC.sealed(sum(map(len, payload))))
        self._io_writer.writelines(payload)

    async def read(self, buffer_size: int) -> bytes:
        assert self._io_reader is not None
        return _came(await self._io_reader.read(buffer_size))

    async def readline(self) -> bytes:
        assert self._io_reader is not None
        return _came(await self._io_reader.readline())

    def __bool__(self) -> bool:
        """Also before it is connected: else the library puts one of its own in its place."""
        return True


def _came(data: bytes) -> bytes:
    if data:
        TRAFFIC.came(TRAFFIC.sealed(len(data)))
    return data
