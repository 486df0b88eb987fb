"""A TLS server on a free loopback port that answers every HTTP request with one line."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from detector.lab.pki import Credential

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


class Origin:
    """`async with Origin({"host": credential}) as origin: origin.port`.

    The first credential also serves clients that send no SNI or another name.
    """

    def __init__(self, credentials: Mapping[str, Credential], host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self._contexts = {name: server_context(c) for name, c in credentials.items()}
        self._default = next(iter(self._contexts.values()))
        self._default.sni_callback = self._choose
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._answer, self.host, self.port, ssl=self._default
        )
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
        self._server.abort_clients()
        await self._server.wait_closed()

    def _choose(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        tls.context = self._contexts.get(name or "", self._default)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_ANSWER)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that only shakes hands
        finally:
            writer.close()


def server_context(credential: Credential) -> ssl.SSLContext:
    """A server context with the credential's chain. The key is on disk only while it is read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(credential.write(Path(folder, "credential.pem")))
    return context
