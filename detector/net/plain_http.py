"""One question over plain HTTP, whose answer may be anybody's: nothing is followed, nothing is trusted, little is read."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from typing import TYPE_CHECKING, Literal

import msgspec

from detector.version import __version__

if TYPE_CHECKING:
    from detector.net.routes import Routing

MOST = 4096
PlainFailure = Literal["no-way", "no-resolver", "no-name", "refused", "silent", "broken"]
_NO_WAY = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL))


class PlainAnswer(msgspec.Struct, frozen=True):
    """What came.

    Attributes:
        status: HTTP's; 0 where no answer came.
        location: where it sends, as it stands there.
        body: its beginning, up to MOST bytes.
        failure: why no answer came; None where one did.

    """

    status: int = 0
    location: str = ""
    body: bytes = b""
    failure: PlainFailure | None = None


async def ask_plainly(url: str, routing: Routing, seconds: float = 5.0) -> PlainAnswer:
    """GET an http:// URL within `seconds`; never raises for what a peer does."""
    import httpx

    from detector.net.fetch import proxy_url

    asked = httpx.URL(url)
    try:
        async with asyncio.timeout(seconds):
            proxy = (await routing.choose(asked.host, asked.port or 80))[0]
            async with (
                httpx.AsyncClient(
                    proxy=proxy_url(proxy) if proxy else None, trust_env=False, timeout=seconds,
                    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # trusts nobody: none is spoken
                    headers={"User-Agent": f"tlsight/{__version__}", "Accept-Encoding": "identity"},
                ) as client,
                client.stream("GET", asked, follow_redirects=False) as answer,
            ):  # fmt: skip
                body = bytearray()
                async for part in answer.aiter_raw():
                    body += part
                    if len(body) >= MOST:
                        break
                location = answer.headers.get("location", "")[:MOST]
                return PlainAnswer(answer.status_code, location, bytes(body[:MOST]))
    except TimeoutError:
        return PlainAnswer(failure="silent")
    except Exception as error:
        return PlainAnswer(failure=_failure(error))


def _failure(error: BaseException | None) -> PlainFailure:
    """By what lies beneath the library's own error."""
    import httpx

    while error is not None:
        if isinstance(error, socket.gaierror):
            return "no-resolver" if error.errno == socket.EAI_AGAIN else "no-name"
        if isinstance(error, ConnectionRefusedError):
            return "refused"
        if isinstance(error, OSError) and error.errno in _NO_WAY:
            return "no-way"
        if isinstance(error, httpx.TimeoutException):
            return "silent"
        error = error.__cause__ or error.__context__
    return "broken"
