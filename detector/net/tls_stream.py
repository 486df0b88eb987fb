"""TLS to the proxy itself, with everything else inside: CONNECT, and the handshake that is looked at.

Theory of operation
-------------------
A `TlsStream` is a `Stream` whose bytes go through OpenSSL over two memory BIOs, so that whatever reads and writes a
connection (dialogues, the probe, trials with a hello of their own) does so inside the tunnel without knowing. Unlike
the peer inside, the proxy is verified: credentials go to it. What the outer layer breaks by after its handshake is a
reset to those inside; it never looks like an alert of the server's.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

from detector.errors import ProxyError
from detector.net.http_connect import proxy_error
from detector.net.stream import Stream
from detector.net.verifying import context_for_proxy
from detector.wire.greeting import described, spoken
from detector.wire.records import may_be_tls

_MAX_HANDSHAKE = 256 << 10
_CHUNK = 1 << 16


class TlsStream(Stream):
    """One connection inside another."""

    __slots__ = ("_incoming", "_outer", "_outgoing", "_tls", "_writing")

    def __init__(self, outer: Stream, host: str, trust: Path | None) -> None:
        self._outer = outer
        self._loop = asyncio.get_running_loop()
        self._early = b""
        self._writing = asyncio.Lock()
        self.address = outer.address
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context_for_proxy(trust).wrap_bio(
            self._incoming, self._outgoing, server_hostname=host
        )

    async def shake_hands(self) -> None:
        """The outer handshake. Raises ProxyError; ConnectionResetError where the proxy resets."""
        received = b""
        size = 0
        while True:
            try:
                self._tls.do_handshake()
                await self._flush()
                return
            except ssl.SSLWantReadError:
                await self._flush()
            except ssl.SSLError as error:
                with suppress(OSError):
                    await self._flush()
                raise _refused(error, received) from None
            data = await self._outer.read()
            if not data:
                raise proxy_error(
                    "tls", "the proxy closed the connection during its own TLS handshake"
                )
            received = (received + data)[:512]
            size += len(data)
            if size > _MAX_HANDSHAKE:
                raise proxy_error("tls", "the proxy's own TLS handshake has no end")
            self._incoming.write(data)

    async def receive(self) -> bytes:
        while True:
            try:
                return self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                why = (error.reason or str(error)).lower().replace("_", " ")
                raise ConnectionResetError(0, f"TLS to the proxy breaks ({why})") from None
            data = await self._outer.read()
            if not data:
                self._incoming.write_eof()
            else:
                self._incoming.write(data)

    async def write(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def _flush(self) -> None:
        async with self._writing:
            data = self._outgoing.read()
            if data:
                await self._outer.write(data)

    def close(self) -> None:
        self._outer.close()


def _refused(error: ssl.SSLError, received: bytes) -> ProxyError:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".").replace("certificate verify failed", "")
        return proxy_error("certificate", f"the proxy's own certificate is not trusted: {why}")
    if not may_be_tls(received):
        said = described(spoken(received))
        return proxy_error("scheme", f"the proxy does not speak TLS on that port: {said}")
    why = (error.reason or str(error)).lower().replace("_", " ")
    return proxy_error("tls", f"the TLS handshake with the proxy itself fails ({why})")
