"""Peers that no TLS library would let one build: blunt, deaf, picky, or older than their library."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

from detector.errors import WireError
from detector.lab.first_flight import first_flight
from detector.lab.loopback import Loopback
from detector.lab.pki import Credential
from detector.wire import registry as r
from detector.wire.hello import ClientHello, ServerHello, parse_client_hello
from detector.wire.records import (
    ALERT,
    HandshakeReader,
    RecordReader,
    encode_record,
)

Decision = Literal["pass", "reset", "close", "silent"] | int
# From the hello, its first piece, and all of it.
Decide = Callable[[ClientHello, bytes, bytes], Decision]


class Blunt(Loopback):
    """Reads a ClientHello, and sends some bytes, closes, resets, or does nothing.

    Args:
        answer: what to send before closing.
        greeting: what to send before anything is read.
        reset: reset instead of closing.
        silent: keep the connection, and still say nothing.

    """

    def __init__(
        self,
        answer: bytes = b"",
        *,
        greeting: bytes = b"",
        reset: bool = False,
        silent: bool = False,
    ) -> None:
        super().__init__(None)
        self.answer = answer
        self.greeting = greeting
        self.reset = reset
        self.silent = silent

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(self.greeting)
        await reader.read(1 if self.reset else 65536)
        if self.silent:
            await reader.read()  # until the client gives up
        if self.reset:
            reset(writer)
            return
        writer.write(self.answer)
        writer.close()


class _Held:
    """A loopback port that is taken and never served; its sockets are closed with it."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self._sockets: list[socket.socket] = []

    async def __aenter__(self) -> Self:
        held = self._held()
        held.bind((self.host, 0))
        self.port = held.getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for one in self._sockets:
            one.close()

    def _held(self) -> socket.socket:
        self._sockets.append(socket.socket())
        return self._sockets[-1]


class Deaf(_Held):
    """A port whose queue of connections is full: further SYNs are dropped, as by a firewall."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._sockets[0].listen(0)
        for _ in range(4):
            waiting = self._held()
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect((self.host, self.port))
        await asyncio.sleep(0.05)
        return self


class Nobody(_Held):
    """A port on which nothing listens: taken, so that nobody else gets it, and never opened."""


class Refusing(Loopback):
    """A TLS server that gets its alert out before it closes, as asyncio's own does not.

    Args:
        context: makes the handshake, or refuses it.
        answer: what to say to a client that got through.

    """

    def __init__(self, context: ssl.SSLContext, answer: bytes = b"") -> None:
        super().__init__(None)
        self.context = context
        self.answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One handshake."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        step: Callable[[], object] = tls.do_handshake
        with suppress(ssl.SSLError, OSError):
            while True:
                try:
                    step()
                    if step != tls.do_handshake:
                        tls.write(self.answer)
                        break
                    step = lambda: tls.read(4096)  # noqa: E731
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    data = await reader.read(65536)
                    if not data:
                        break
                    incoming.write(data)
        with suppress(OSError):
            writer.write(outgoing.read())
            await writer.drain()
        writer.close()


class Gate(Loopback):
    """Something in front of a good server that looks at ClientHellos and minds some of them.

    Args:
        behind: the server, started and stopped with the gate.
        decide: "pass", how to break off, or the number of an alert.

    """

    def __init__(self, behind: Loopback, decide: Decide) -> None:
        super().__init__(None)
        self.behind = behind
        self.decide = decide

    async def __aenter__(self) -> Self:
        await self.behind.__aenter__()
        return await super().__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, at)
        await self.behind.__aexit__(kind, error, at)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, judged by its hello."""
        try:
            first, whole, hello = await read_hello(reader)
            decision = self.decide(hello, first, whole)
            if decision == "pass":
                await self._relay(whole, reader, writer)
            elif decision == "reset":
                reset(writer)
            elif decision == "silent":
                await reader.read()
            elif isinstance(decision, int):
                writer.write(encode_record(ALERT, bytes((2, decision))))
                await writer.drain()
        except (OSError, WireError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _relay(
        self, whole: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there = await asyncio.open_connection(self.behind.host, self.behind.port)
        there[1].write(whole)
        with contextlib.closing(there[1]):
            done, waiting = await asyncio.wait(
                [
                    asyncio.ensure_future(_copy(reader, there[1])),
                    asyncio.ensure_future(_copy(there[0], writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in waiting:
                task.cancel()
            await asyncio.gather(*done, *waiting, return_exceptions=True)


class OldServer(Loopback):
    """A server's hello and certificate without any cryptography, for what libraries have forgotten.

    It agrees to suites that need nothing but the certificate's own RSA key, answers up to ServerHelloDone,
    and closes when the client goes on.

    Args:
        credential: shown as it is.
        suites: what it agrees to, its favourite first.
        version: the only one it speaks.
        renegotiation: whether it confirms secure renegotiation.

    """

    def __init__(
        self,
        credential: Credential,
        suites: tuple[int, ...],
        *,
        version: int = 0x0303,
        renegotiation: bool = True,
    ) -> None:
        super().__init__(None)
        self.credential = credential
        self.suites = suites
        self.version = version
        self.renegotiation = renegotiation

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One hello, answered."""
        try:
            _, _, hello = await read_hello(reader)
            writer.write(self._answer(hello))
            await writer.drain()
            await reader.read(65536)
        except (OSError, WireError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, hello: ClientHello) -> bytes:
        if max((v for v in hello.versions if v < 0x0400), default=0) < self.version:
            return encode_record(ALERT, b"\x02\x46")
        chosen = next((c for c in self.suites if c in hello.ciphers), None)
        if chosen is None:
            return encode_record(ALERT, b"\x02\x28")
        extensions = ((r.RENEGOTIATION_INFO, b"\x00"),) if self.renegotiation else None
        answer = ServerHello(self.version, os.urandom(32), b"", chosen, 0, extensions)
        return first_flight(answer, self.credential)


async def read_hello(reader: asyncio.StreamReader) -> tuple[bytes, bytes, ClientHello]:
    """First piece, everything, and the hello in it."""
    records, messages = RecordReader(), HandshakeReader()
    first, whole = b"", b""
    while True:
        data = await reader.read(65536)
        if not data:
            raise asyncio.IncompleteReadError(whole, None)
        first = first or data
        whole += data
        for record in records.feed(data):
            for message in messages.feed(record.payload):
                return first, whole, parse_client_hello(message.body)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset instead of a FIN."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
