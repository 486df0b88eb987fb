"""A TLS server on a free loopback port that answers every HTTP request with one line."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from detector.lab.loopback import Loopback
from detector.lab.pki import Credential

Prepare = Callable[[ssl.SSLContext], None]


class Origin(Loopback):
    """`async with Origin({"host": credential}) as origin: origin.port`.

    The first credential also serves clients that send no SNI or another name.

    Args:
        prepare: changes each context before its credential is loaded.
        skew: how far the server's clock is ahead.

    """

    def __init__(
        self,
        credentials: Mapping[str, Credential],
        host: str = "127.0.0.1",
        *,
        prepare: Prepare | None = None,
        skew: timedelta = timedelta(),
    ) -> None:
        self._skew = skew
        self._contexts = {name: server_context(c, prepare) for name, c in credentials.items()}
        self._default = next(iter(self._contexts.values()))
        self._default.sni_callback = self._choose
        super().__init__(self._default, host)

    def _choose(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        tls.context = self._contexts.get(name or "", self._default)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one line."""
        try:
            await reader.readuntil(b"\r\n\r\n")
            date = format_datetime(datetime.now(UTC) + self._skew, usegmt=True)
            writer.write(
                f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 3\r\n"
                "Connection: close\r\n\r\nok\n".encode()
            )
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that only shakes hands
        finally:
            writer.close()


def server_context(credential: Credential, prepare: Prepare | None = None) -> ssl.SSLContext:
    """A server context with the credential's chain. The key is on disk only while it is read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if prepare is not None:
        prepare(context)
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(credential.write(Path(folder, "credential.pem")))
    return context
