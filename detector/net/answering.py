"""A small HTTP server for who asks with GET: monitoring systems, on loopback as a rule.

Rules
-----
1. h11 reads the requests; a head of much more than 16 KiB, a body, a method other than GET and HEAD are refused.
2. Everything has its time: 10 s for a request to come whole, 60 s between two on one connection, 10 s for the answer
   to be taken. At most `most` connections are open; further ones are closed unread.
3. A page in somebody's browser can ask loopback too. So a Host that is neither an address nor a name that the server
   is called by is refused (a name of the attacker's that leads to 127.0.0.1), and so is what a browser itself says is
   asked on behalf of another site (Fetch Metadata).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from detector.chain.names import as_address
from detector.errors import ConfigError, TargetError
from detector.model.targets import normal_host, split_port

_MAX_HEAD = 16 << 10
_MAX_FIELDS = 16
_TO_ASK, _IDLE, _TO_TAKE = 10.0, 60.0, 10.0
_CHUNK = 4 << 10
_REASONS = {200: b"OK", 400: b"Bad Request", 403: b"Forbidden", 404: b"Not Found", 405: b"Method Not Allowed",
            421: b"Misdirected Request", 500: b"Internal Server Error", 503: b"Service Unavailable"}  # fmt: skip
_ACROSS = ("cross-site", "same-site")


class Asked(NamedTuple):
    """A request. A parameter that is there twice counts once, the first time; header names are in lower case."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"


Answer = Callable[[Asked], Awaitable[Reply]]


async def serve(
    listen: str,
    answer: Answer,
    *,
    names: Iterable[str] = (),
    most: int = 64,
    ready: Callable[[int], None] = lambda _: None,
) -> None:
    """Listen until cancelled. Raises ConfigError where that cannot be done.

    Args:
        listen: address:port, or localhost:port.
        answer: what is said to whom.
        names: the server is called by, beside its addresses and "localhost".
        most: connections at once.
        ready: told the port once it is open.

    """
    host, port = listen_address(listen)
    mine = frozenset(("localhost", *(name.lower() for name in names)))
    open_now: set[asyncio.Task[None]] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(open_now) >= most:
            writer.close()
            return
        open_now.add(task)
        try:
            await _converse(reader, writer, answer, mine)
        except (OSError, TimeoutError, h11.ProtocolError):
            pass
        finally:
            open_now.discard(task)
            writer.close()

    try:
        server = await asyncio.start_server(met, host, port, limit=_MAX_HEAD)
    except OSError as error:
        why = f"cannot listen there: {error.strerror or error}"
        raise ConfigError(listen, why, remedy="another program may have the port") from None
    async with server:
        ready(server.sockets[0].getsockname()[1])
        await server.serve_forever()


def listen_address(text: str) -> tuple[str, int]:
    """Of address:port. Raises ConfigError."""
    remedy = "write for example 127.0.0.1:9219"
    host, _, number = text.rpartition(":")
    try:
        if not (number.isascii() and number.isdigit() and int(number[:6]) < 1 << 16):
            raise ConfigError(text, "is no address and port to listen at", remedy=remedy)
        host, _ = split_port(host, text)
    except TargetError:
        raise ConfigError(text, "is no address and port to listen at", remedy=remedy) from None
    if as_address(host) is None and host != "localhost":
        raise ConfigError(text, "names no address to listen at", remedy=remedy)
    return host, int(number)


def is_loopback(host: str) -> bool:
    """Whether only this machine can ask there."""
    address = as_address(host)
    return host == "localhost" if address is None else address.is_loopback


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer, mine: frozenset[str]
) -> None:
    """Requests of one connection, one after the other."""
    talk = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
    patience = _TO_ASK
    while True:
        try:
            async with asyncio.timeout(patience):
                request = await _next(talk, reader)
        except h11.RemoteProtocolError:
            with suppress(h11.LocalProtocolError):
                await _say(talk, writer, Reply(400, b"no HTTP request\n"), head=False, last=True)
            return
        if not isinstance(request, h11.Request):
            return
        reply = refusal(request, mine)
        if reply is None:
            reply = await _answered(answer, what_is_asked(request))
        await _say(talk, writer, reply, head=request.method == b"HEAD", last=reply.status != 200)
        if talk.our_state is not h11.DONE or talk.their_state is not h11.DONE:
            return
        talk.start_next_cycle()
        patience = _IDLE


async def _next(talk: h11.Connection, reader: asyncio.StreamReader) -> object:
    """The next request, whole; None where the peer has gone."""
    request: object = None
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            return request
        elif isinstance(event, h11.Data):
            return request  # a body; `_say` ends the connection
        else:
            return None


def refusal(request: h11.Request, mine: frozenset[str]) -> Reply | None:
    """Why it is not answered; `mine` are the names that the server is called by, in lower case."""
    if request.method not in (b"GET", b"HEAD"):
        return Reply(405, b"only GET is answered\n")
    headers = _headers(request)
    if "content-length" in headers or "transfer-encoding" in headers:
        return Reply(400, b"a GET with a body\n")
    if headers.get("sec-fetch-site") in _ACROSS:
        return Reply(403, b"asked on behalf of another site\n")
    try:
        host, _ = split_port(headers.get("host", ""))
        known = host.lower() in mine or as_address(normal_host(host)) is not None
    except TargetError:
        known = False
    return None if known else Reply(421, b"this server is not called by that name\n")


def _headers(request: h11.Request) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}


def what_is_asked(request: h11.Request) -> Asked:
    """Path and parameters; an empty path where they cannot be read."""
    try:
        parts = urlsplit(request.target.decode("ascii"))
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return Asked("", {}, {})
    return Asked(unquote(parts.path), dict(reversed(pairs)), _headers(request))


async def _answered(answer: Answer, asked: Asked) -> Reply:
    if not asked.path:
        return Reply(400, b"no address that can be read\n")
    try:
        return await answer(asked)
    except Exception as error:  # one request's fault is not the server's end
        return Reply(500, f"{type(error).__name__}\n".encode())


async def _say(
    talk: h11.Connection, writer: asyncio.StreamWriter, reply: Reply, *, head: bool, last: bool
) -> None:
    headers = [
        ("Content-Type", reply.kind), ("Content-Length", str(len(reply.body))),
        ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"),
        *([("Connection", "close")] if last else []),
    ]  # fmt: skip
    said = h11.Response(
        status_code=reply.status, headers=headers, reason=_REASONS.get(reply.status, b"")
    )
    writer.write(talk.send(said) or b"")
    if not head:
        writer.write(talk.send(h11.Data(data=reply.body)) or b"")
    writer.write(talk.send(h11.EndOfMessage()) or b"")
    async with asyncio.timeout(_TO_TAKE):
        await writer.drain()
