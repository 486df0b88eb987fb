"""What a peer says once the handshake is done: an answer, an alert that came late, or nothing.

In TLS 1.3 a server judges the client's certificate after the client thinks that all is well: its alert
is the first thing that comes (RFC 8446 section 4.4.2.4).
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from msgspec import structs

from detector import clock
from detector.model.inquiry import Application
from detector.net.stream import Stream
from detector.wire.alerts import alert_of_reason

KEPT = 4096
_LATE = 0.5


async def converse(
    stream: Stream,
    tls: ssl.SSLObject,
    incoming: ssl.MemoryBIO,
    outgoing: ssl.MemoryBIO,
    request: bytes,
    seconds: float,
) -> Application:
    """Say `request`, and listen for at most `seconds`. Never raises for what a peer does."""
    start = clock.stopwatch()
    try:
        if request:
            tls.write(request)
        async with asyncio.timeout(seconds):
            await stream.write(outgoing.read())
            found = await _listen(stream, tls, incoming)
    except TimeoutError:
        found = Application("quiet")
    except OSError as error:
        if not isinstance(error, ssl.SSLError):
            # A server that sent its alert and closed resets us for having spoken meanwhile.
            found = await _late_alert(stream, tls, incoming) or Application("reset")
        else:
            found = _broken(error)
    return structs.replace(found, ms=round((clock.stopwatch() - start) * 1000, 2))


def request_for(host: str, port: int) -> bytes:
    """The smallest question that every HTTP/1.1 server answers."""
    name = f"[{host}]" if ":" in host else host
    where = name if port == 443 else f"{name}:{port}"
    lines = ("HEAD / HTTP/1.1", f"Host: {where}", "User-Agent: tlsight", "Connection: close")
    return "\r\n".join((*lines, "", "")).encode()


async def _listen(stream: Stream, tls: ssl.SSLObject, incoming: ssl.MemoryBIO) -> Application:
    data = b""
    while len(data) < KEPT and b"\r\n\r\n" not in data:
        with suppress(ssl.SSLWantReadError):
            more = tls.read(KEPT)
            if not more:
                break
            data += more
            continue
        received = await stream.read()
        if not received:
            incoming.write_eof()
            break
        incoming.write(received)
    return Application("answered" if data else "closed", data[:KEPT])


async def _late_alert(
    stream: Stream, tls: ssl.SSLObject, incoming: ssl.MemoryBIO
) -> Application | None:
    try:
        with suppress(OSError):
            async with asyncio.timeout(_LATE):
                incoming.write(await stream.read())
        tls.read(KEPT)
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLError as error:
        return _broken(error)
    return None


def _broken(error: ssl.SSLError) -> Application:
    code = alert_of_reason(error.reason or "")
    return Application("closed") if code is None else Application("alert", alert=code)
