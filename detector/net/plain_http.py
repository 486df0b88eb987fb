"""One question over plain HTTP, whose answer may be anybody's: nothing is followed, nothing is trusted, little is read."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from detector.net.stream import connect, resolve
from detector.version import __version__

if TYPE_CHECKING:
    from detector.net.routes import Proxy, Routing

MOST = 4096
_MOST_HEAD = 16 << 10
_MOST_DATE = 64
_HEADERS = {"User-Agent": f"tlsight/{__version__}", "Accept-Encoding": "identity"}
PlainFailure = Literal["no-way", "no-resolver", "no-name", "refused", "silent", "broken"]
_NO_WAY = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL))


class PlainAnswer(msgspec.Struct, frozen=True):
    """What came.

    Attributes:
        status: HTTP's; 0 where no answer came.
        location: where it sends, as it stands there.
        body: its beginning, up to MOST bytes.
        failure: why no answer came; None where one did.
        date: the time as whoever answered has it, as it stands there.

    """

    status: int = 0
    location: str = ""
    body: bytes = b""
    failure: PlainFailure | None = None
    date: str = ""


async def ask_plainly(url: str, routing: Routing, seconds: float = 5.0) -> PlainAnswer:
    """GET an http:// URL within `seconds`; never raises for what a peer does."""
    where = urlsplit(url)
    host, port = where.hostname or "", where.port or 80
    path = (where.path or "/") + (f"?{where.query}" if where.query else "")
    try:
        async with asyncio.timeout(seconds):
            proxy = (await routing.choose(host, port))[0]
            if proxy is None:
                return await _asked(host, port, where, path, {})
            if proxy.url.startswith("http://"):
                whole = f"http://{where.netloc}{path}"
                return await _asked(proxy.host, proxy.port, where, whole, _login(proxy))
            return await _through(url, proxy, seconds)
    except TimeoutError:
        return PlainAnswer(failure="silent")
    except Exception as error:
        return PlainAnswer(failure=_failure(error))


async def _asked(
    host: str, port: int, where: SplitResult, target: str, more: Mapping[str, str]
) -> PlainAnswer:
    """Of a server, or of a proxy that is asked for all of a URL (RFC 9112 section 3.2.2): without the library that
    knows every proxy, which is a fifth of what an agent may use.
    """
    import h11

    stream = await connect(await resolve(host, port))
    try:
        ours = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        fields = [("Host", where.netloc), *_HEADERS.items(), *more.items(), ("Connection", "close")]
        asked = h11.Request(method="GET", target=target, headers=fields)
        await stream.write((ours.send(asked) or b"") + (ours.send(h11.EndOfMessage()) or b""))
        status, location, date, body = 0, "", "", bytearray()
        while len(body) < MOST:
            event = ours.next_event()
            if event is h11.NEED_DATA:
                ours.receive_data(await stream.read())
            elif isinstance(event, h11.Response):
                status = event.status_code
                found = dict(event.headers)
                location = found.get(b"location", b"").decode("latin-1")[:MOST]
                date = found.get(b"date", b"").decode("latin-1")[:_MOST_DATE]
            elif isinstance(event, h11.Data):
                body += event.data
            elif not isinstance(event, h11.InformationalResponse):
                break
        return PlainAnswer(status, location, bytes(body[:MOST]), date=date)
    finally:
        stream.close()


def _login(proxy: Proxy) -> dict[str, str]:
    """RFC 7617; none where the proxy wants none."""
    if proxy.user is None:
        return {}
    pair = f"{proxy.user}:{proxy.password or ''}".encode()
    return {"Proxy-Authorization": f"Basic {b64encode(pair).decode()}"}


async def _through(url: str, proxy: Proxy, seconds: float) -> PlainAnswer:
    from detector.net.bare_httpx import httpx
    from detector.net.counted import CountedHttp
    from detector.net.fetch import proxy_url

    try:
        async with (
            httpx.AsyncClient(
                transport=CountedHttp(
                    proxy=proxy_url(proxy),
                    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # trusts nobody: none is spoken
                ),
                trust_env=False, timeout=seconds, headers=_HEADERS,
            ) as client,
            client.stream("GET", url, follow_redirects=False) as answer,
        ):  # fmt: skip
            body = bytearray()
            async for part in answer.aiter_raw():
                body += part
                if len(body) >= MOST:
                    break
            location = answer.headers.get("location", "")[:MOST]
            date = answer.headers.get("date", "")[:_MOST_DATE]
            return PlainAnswer(answer.status_code, location, bytes(body[:MOST]), date=date)
    except httpx.TimeoutException:
        return PlainAnswer(failure="silent")


def _failure(error: BaseException | None) -> PlainFailure:
    """By what lies beneath the library's own error."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return "no-resolver" if error.errno == socket.EAI_AGAIN else "no-name"
        if isinstance(error, ConnectionRefusedError):
            return "refused"
        if isinstance(error, OSError) and error.errno in _NO_WAY:
            return "no-way"
        if isinstance(error, TimeoutError):
            return "silent"
        error = error.__cause__ or error.__context__
    return "broken"
