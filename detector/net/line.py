"""A one-way connection that lines are sent over, in TLS or not, and what can be known of their arrival.

Theory of operation
-------------------
The protocols that run here (syslog) confirm nothing. What confirms is the end of a connection: we say that nothing
more comes (close_notify, then FIN), and wait for the peer's end. A receiver that has not read everything when its end
comes sends a reset, no FIN, and one that died sends a reset or nothing; both are errors here. A FIN that crossed our
bytes is told from one that followed them by the system's count of unconfirmed bytes, which a reset empties with an
error. So where `finish` returns, the receiver has read everything, as far as TCP can say: TLS does not sign a FIN, and
who can forge TCP can swallow lines. What answers, as HTTP does, knows better.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from detector.errors import DialError
from detector.model.observation import Handshake, Observation, Target
from detector.model.targets import normal_host, socket_text
from detector.net.stream import Stream, connect, resolve
from detector.net.tls_object import sent_chain, suite_in_use
from detector.net.verifying import verifying_context

_CHUNK = 1 << 16
_MAX_READ = 1 << 20
_LOOK_AGAIN = 0.01


class UntrustedError(DialError):
    """The peer's certificate did not verify."""


class LineTls(NamedTuple):
    """How TLS is spoken.

    Attributes:
        name: whom the certificate has to name.
        trust: PEM file of the only roots to trust; None means the operating system's store.
        credential: PEM files of a client certificate and its key.

    """

    name: str
    trust: Path | None = None
    credential: tuple[Path, Path] | None = None


class Line:
    """An open one: `write`, then `finish`, and `close` in any case."""

    def __init__(self, stream: Stream, host: str, port: int) -> None:
        self._stream = stream
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.host, self.port = host, port

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        tls: LineTls | None = None,
        look: Callable[[Observation], None] | None = None,
        *,
        now: Callable[[], datetime],
    ) -> Self:
        """A connection, verified where it is TLS, and shown to `look` before anything goes over it.

        Raises DialError, UntrustedError, ConfigError, and what `look` raises. The caller bounds its time.
        """
        line = cls(await connect(await resolve(host, port)), host, port)
        try:
            if tls is not None:
                await line._secure(tls)
                if look is not None:
                    look(line._seen(tls, now()))
        except BaseException:
            line.close()
            raise
        return line

    async def write(self, data: bytes) -> None:
        """Raises DialError."""
        try:
            if self._tls is not None:
                self._tls.write(data)
                await self._flush()
            else:
                await self._stream.write(data)
        except (OSError, ssl.SSLError) as error:
            raise self._broken(error) from None

    async def finish(self) -> None:
        """Say that this was all, and wait until the peer has read it. Raises DialError. The caller bounds its time."""
        try:
            if self._tls is not None:
                with suppress(ssl.SSLWantReadError):
                    self._tls.unwrap()
                await self._flush()
            self._stream.end()
            size = 0
            while data := await self._stream.receive():
                size += len(data)
                if size > _MAX_READ:
                    raise DialError("tls", "other-alert", f"{self._where()} talks without end")
                self._hear(data)
            while self._stream.unacknowledged():  # noqa: ASYNC110 (the system tells nobody)
                await asyncio.sleep(_LOOK_AGAIN)
        except (OSError, ssl.SSLError) as error:
            raise self._broken(error) from None

    def close(self) -> None:
        self._stream.close()

    async def _secure(self, tls: LineTls) -> None:
        context = verifying_context(tls.trust, tls.credential)
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=tls.name)
        size = 0
        try:
            while True:
                try:
                    self._tls.do_handshake()
                    await self._flush()
                    return
                except ssl.SSLWantReadError:
                    await self._flush()
                data = await self._stream.receive()
                size += len(data)
                if not data or size > _MAX_READ:
                    raise DialError(
                        "tls", "closed-during-handshake",
                        f"{self._where()} closes the connection during the handshake", how="fin",
                    )  # fmt: skip
                self._incoming.write(data)
        except ssl.SSLCertVerificationError as error:
            why = f"the certificate of {self._where()} is not trusted: {error.verify_message}"
            raise UntrustedError("tls", "untrusted-root", why) from None
        except (OSError, ssl.SSLError) as error:
            raise self._broken(error) from None

    def _hear(self, data: bytes) -> None:
        """What the peer says after all, in TLS: an alert of its is an error. Raises ssl.SSLError."""
        if self._tls is None:
            return
        self._incoming.write(data)
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
            while self._tls.read(_CHUNK):
                pass

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            await self._stream.write(data)

    def _seen(self, tls: LineTls, at: datetime) -> Observation:
        assert self._tls is not None
        name = normal_host(tls.name)
        return Observation(
            at=at,
            target=Target(name, self.port, ip=self._stream.address, sni=name),
            chain=sent_chain(self._tls),
            handshake=Handshake(True, self._tls.version(), suite_in_use(self._tls)),
        )

    def _broken(self, error: Exception) -> DialError:
        if isinstance(error, ssl.SSLError):
            why = (error.reason or str(error)).lower().replace("_", " ")
            return DialError("tls", "other-alert", f"TLS with {self._where()} fails: {why}")
        text = f"{self._where()} breaks the connection before it has read everything"
        return DialError("tcp", "connection-reset", text, how="rst")

    def _where(self) -> str:
        return socket_text(self.host, self.port)
