"""A small HTTPS server on loopback that answers requests from a function: logs, lists, APIs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from detector.lab.answer import Answer, Request
from detector.lab.loopback import Loopback
from detector.lab.origin import server_context
from detector.lab.pki import Credential

Handler = Callable[[Request], Answer | Awaitable[Answer]]


class Web(Loopback):
    """`async with Web(credential, handler) as web: web.port`. Keeps what was asked in `asked`."""

    def __init__(self, credential: Credential | None, handler: Handler) -> None:
        super().__init__(server_context(credential) if credential is not None else None)
        self.handler = handler
        self.asked: list[Request] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests one after the other until the client goes away."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                fields = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in fields}
                posted = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Request(head[0].split(" ")[1], headers, posted)
                self.asked.append(request)
                answer = self.handler(request)
                if isinstance(answer, Awaitable):
                    answer = await answer
                writer.write(_head(answer))
                writer.write(answer.body)
                await writer.drain()
                if headers.get("connection", "").lower() == "close":
                    break
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
