"""A small HTTPS server on loopback that answers GET requests from a function: logs, lists, APIs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from detector.lab.answer import Answer, Request
from detector.lab.origin import server_context
from detector.lab.pki import Credential

Handler = Callable[[Request], Answer | Awaitable[Answer]]


class Web:
    """`async with Web(credential, handler) as web: web.port`. Keeps what was asked in `asked`."""

    def __init__(self, credential: Credential | None, handler: Handler) -> None:
        self.handler = handler
        self.port = 0
        self.asked: list[Request] = []
        self._context: ssl.SSLContext | None = None
        if credential is not None:
            self._context = server_context(credential)
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._context
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

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                fields = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in fields}
                request = Request(head[0].split(" ")[1], headers)
                self.asked.append(request)
                answer = self.handler(request)
                if isinstance(answer, Awaitable):
                    answer = await answer
                writer.write(_head(answer))
                writer.write(answer.body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away
        finally:
            writer.close()


def _head(answer: Answer) -> bytes:
    lines = {
        "Content-Type": answer.kind,
        "Content-Length": str(len(answer.body)),
        **answer.headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {answer.status} Lab\r\n{text}\r\n".encode("latin-1")
