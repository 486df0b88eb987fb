"""One port for many servers: the ClientHello is read first, kept, and decides who speaks.

Theory of operation
-------------------
A connection is taken, its first bytes are read up to the end of the ClientHello, whatever its records are, and `choose`
says by it which server answers: a maker of a `Speaker`, which is fed what was read. So one port serves OpenSSL in all its
moods beside libraries that still speak SSL 3.0, and the hello is known byte by byte to whoever answers the request.

Bounds: the hello has 5 s and 64 KiB, the handshake 10 s, a request 10 s, a connection 60 s, 64 requests and 512 KiB of
what its peer sends; `most` connections are open, `most_of_one` of one address, and `a_minute` are taken of one address in
a minute; further ones are closed unread. An address of IPv6 counts by its /64, which one subscriber has whole. Nothing is
kept of a connection after it.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from detector.errors import ConfigError, WireError
from detector.model.echoes import Echo, Piece
from detector.serving.conversation import BadHttpError, Conversation, Reply, Request, conversation
from detector.serving.speaker import Agreed, Speaker, SpeakerError, Speaking, WentOnError
from detector.wire.hello import ClientHello, parse_client_hello
from detector.wire.old_hello import read_old_hello
from detector.wire.records import ALERT, HANDSHAKE, HandshakeReader, RecordReader, encode_record
from detector.wire.registry import CLIENT_HELLO

MAX_HELLO = 64 << 10
_TO_GREET, _TO_SHAKE, _TO_ASK, _WHOLE = 5.0, 10.0, 10.0, 60.0
_REQUESTS = 64
# Behind the hello: requests are small, and whoever sends frames without end is cut off.
_MOST_HEARD = 512 << 10
# Addresses whose connections are counted at once.
_MOST_COUNTED = 1 << 16
_CHUNK = 1 << 16
# Linux: keep the first packet of a connection, and give it (tcp(7)).
_SAVE_SYN, _SAVED_SYN, _MAX_SYN = 27, 28, 256
_HANDSHAKE_FAILURE = b"\x02\x28"


@dataclass(frozen=True)
class Entrance:
    """A server behind the front.

    Attributes:
        label: what its echoes call it.
        speaking: makes its side of TLS; None ends the connection with an alert.
        silent: it never says a word.

    """

    label: str
    speaking: Speaking | None
    silent: bool = False


@dataclass
class Arrival:
    """A connection up to its ClientHello, as it was seen."""

    peer: str
    flight: bytes
    pieces: tuple[Piece, ...]
    syn: bytes
    hello: ClientHello
    label: str = ""
    agreed: Agreed = field(default_factory=Agreed)

    def echo(self, request: Request, nonce: str, at: datetime) -> Echo:
        """What is told of one request on it."""
        agreed = self.agreed
        return Echo(
            nonce=nonce, at=at, server=self.label, flight=self.flight, pieces=self.pieces,
            syn=self.syn, peer=self.peer, http=request.http, headers=request.headers,
            version=agreed.version, cipher=agreed.cipher, group=agreed.group, alpn=agreed.alpn,
            resumed=agreed.resumed,
        )  # fmt: skip


# Which server a hello is for; None refuses it.
Choose = Callable[[ClientHello], Entrance | None]
# What is answered to a request on a connection.
Answer = Callable[[Arrival, Request], Reply]
# How a connection ended whose hello was read: "answered", "shaken", "cut", "went-on", "silence", or why not, in a word or two.
Tell = Callable[[Arrival, str], None]
# A connection whose hello was read just now.
Meet = Callable[[Arrival], None]


@dataclass(frozen=True)
class Limits:
    """Connections at once, of everybody and of one address; and of one address in a minute, 0 for any number."""

    most: int = 512
    most_of_one: int = 64
    a_minute: int = 0


@asynccontextmanager
async def front(
    host: str,
    port: int,
    choose: Choose,
    answer: Answer,
    limits: Limits | None = None,
    tell: Tell = lambda _arrival, _how: None,
    meet: Meet = lambda _arrival: None,
) -> AsyncGenerator[int]:
    """Serve until left; gives the port. Raises ConfigError where nobody can listen there."""
    door = _Door(choose, answer, limits or Limits(), tell, meet)
    try:
        server = await asyncio.start_server(door.met, host, port, limit=_CHUNK)
    except OSError as error:
        why = f"cannot listen there: {error.strerror or error}"
        remedy = "another program may have the port"
        raise ConfigError(f"{host}:{port}", why, remedy=remedy) from None
    for one in server.sockets:
        with suppress(OSError, AttributeError):
            one.setsockopt(socket.IPPROTO_TCP, _SAVE_SYN, 1)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await door.close()
        await server.wait_closed()


class _Door:
    def __init__(
        self, choose: Choose, answer: Answer, limits: Limits, tell: Tell, meet: Meet
    ) -> None:
        self._choose, self._answer, self._limits, self._tell = choose, answer, limits, tell
        self._meet = meet
        self._open: set[asyncio.Task[Any]] = set()
        self._of: Counter[str] = Counter()
        self._minute, self._lately = 0, Counter[str]()

    async def met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        limits, one = self._limits, _subscriber(peer)
        full = len(self._open) >= limits.most or self._of[one] >= limits.most_of_one
        if task is None or full or self._too_often(one):
            writer.close()
            return
        self._open.add(task)
        self._of[one] += 1
        try:
            async with asyncio.timeout(_WHOLE):
                await self._serve(reader, writer, peer)
        except (OSError, TimeoutError, EOFError, WireError, SpeakerError, BadHttpError):
            pass  # whatever a peer does ends its own connection
        finally:
            self._open.discard(task)
            self._of[one] -= 1
            if not self._of[one]:
                del self._of[one]
            writer.close()

    def _too_often(self, one: str) -> bool:
        if not self._limits.a_minute:
            return False
        minute = int(asyncio.get_running_loop().time() // 60)
        if minute != self._minute or len(self._lately) >= _MOST_COUNTED:
            self._minute = minute
            self._lately.clear()
        self._lately[one] += 1
        return self._lately[one] > self._limits.a_minute

    async def close(self) -> None:
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str
    ) -> None:
        syn = _first_packet(writer)
        async with asyncio.timeout(_TO_GREET):
            arrival, first = await _greeted(reader, peer, syn)
        self._meet(arrival)
        entrance = self._choose(arrival.hello)
        arrival.label = entrance.label if entrance is not None else ""
        if entrance is not None and entrance.silent:
            self._tell(arrival, "silence")
            await reader.read()
        elif entrance is None or entrance.speaking is None:
            writer.write(encode_record(ALERT, _HANDSHAKE_FAILURE))
            await writer.drain()
        else:
            line = _Line(reader, writer, entrance.speaking())
            how = "cut"
            try:
                how = await self._spoken(line, arrival, first)
            except WentOnError:
                how = "went-on"
            except SpeakerError as error:
                how = str(error)
            finally:
                self._tell(arrival, how)
                with suppress(OSError):
                    line.flush()

    async def _spoken(self, line: _Line, arrival: Arrival, first: bytes) -> str:
        async with asyncio.timeout(_TO_SHAKE):
            heard = await line.shaken(first)
        arrival.agreed = line.speaker.agreed or Agreed()
        try:
            asked = await self._converse(line, arrival, heard)
        except (OSError, TimeoutError, BadHttpError, SpeakerError) as error:
            return str(error) if isinstance(error, SpeakerError) else "shaken"
        return "answered" if asked else "shaken"

    async def _converse(self, line: _Line, arrival: Arrival, heard: bytes) -> int:
        """Requests that were answered."""
        talk: Conversation = conversation(arrival.agreed.alpn)
        asked = 0
        data: bytes | None = heard
        while data is not None and asked < _REQUESTS:
            for request in talk.hear(data):
                asked += 1
                talk.answer(request, self._answer(arrival, request))
            async with asyncio.timeout(_TO_ASK):
                await line.say(talk.out())
                if talk.over:
                    break
                data = await line.hear()
        line.speaker.end()
        return asked


class _Line:
    """A speaker on its socket."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, speaker: Speaker
    ) -> None:
        self._reader, self._writer = reader, writer
        self._heard = 0
        self.speaker = speaker

    async def shaken(self, first: bytes) -> bytes:
        """Shake hands, beginning with what was read; gives what was said behind it."""
        data = first
        while True:
            heard = self.speaker.take(data)
            self.flush()
            await self._writer.drain()
            if self.speaker.agreed is not None:
                return heard or b""
            if heard is None:
                raise EOFError
            data = await self._read()

    async def hear(self) -> bytes | None:
        """What was said next; None where the peer has ended."""
        while True:
            data = await self._more()
            heard = self.speaker.take(data)
            self.flush()
            await self._writer.drain()
            if heard or heard is None or not data:
                return heard or None

    async def say(self, data: bytes) -> None:
        if data:
            self.speaker.say(data)
        self.flush()
        await self._writer.drain()

    def flush(self) -> None:
        if data := self.speaker.out():
            self._writer.write(data)

    async def _read(self) -> bytes:
        data = await self._more()
        if not data:
            raise EOFError
        return data

    async def _more(self) -> bytes:
        data = await self._reader.read(_CHUNK)
        self._heard += len(data)
        if self._heard > _MOST_HEARD:
            raise BadHttpError(f"more than {_MOST_HEARD >> 10} KiB")
        return data


async def _greeted(reader: asyncio.StreamReader, peer: str, syn: bytes) -> tuple[Arrival, bytes]:
    """The connection up to its hello, and all bytes that were read. Raises WireError, EOFError."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    records, messages = RecordReader(), HandshakeReader()
    whole = bytearray()
    pieces: list[Piece] = []
    while True:
        data = await reader.read(_CHUNK)
        if not data:
            raise EOFError
        whole += data
        if len(pieces) < 256:
            pieces.append(Piece(len(data), round((loop.time() - begun) * 1000, 1)))
        if len(whole) > MAX_HELLO:
            raise WireError(f"a ClientHello of more than {MAX_HELLO} bytes", MAX_HELLO)
        old = read_old_hello(bytes(whole))
        if old is not None:
            return _arrival(peer, syn, whole[: old[0]], pieces, old[1]), bytes(whole)
        for record in records.feed(data):
            if record.type != HANDSHAKE:
                raise WireError("no ClientHello comes first", record.offset)
            for message in messages.feed(record.payload):
                if message.type != CLIENT_HELLO:
                    raise WireError("no ClientHello comes first", record.offset)
                end = record.offset + 5 + len(record.payload)
                return _arrival(peer, syn, whole[:end], pieces, message.body), bytes(whole)


def _arrival(peer: str, syn: bytes, flight: bytearray, pieces: list[Piece], body: bytes) -> Arrival:
    return Arrival(peer, bytes(flight), tuple(pieces), syn, parse_client_hello(body))


def _subscriber(peer: str) -> str:
    """Whom an address belongs to, as far as an address tells."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if address.version == 4:
        return peer
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return address.packed[:8].hex()


def _first_packet(writer: asyncio.StreamWriter) -> bytes:
    raw = writer.get_extra_info("socket")
    try:
        found: bytes = raw.getsockopt(socket.IPPROTO_TCP, _SAVED_SYN, _MAX_SYN)
    except (OSError, AttributeError):
        return b""
    return found


def by_name(servers: Mapping[str, Entrance], other: Entrance | None = None) -> Choose:
    """Who answers by the name that is asked for; `other` answers for all else."""

    def choose(hello: ClientHello) -> Entrance | None:
        return servers.get((hello.sni or "").lower().rstrip("."), other)

    return choose
