"""Does the server at an address prove a name by its certificate? One handshake that verifies, and nothing after it.

A server that wants a certificate from its client by TLS 1.2 ends the handshake before the client has seen it prove its
key: of such a one nothing can be said. With TLS 1.3 it is proven by then.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Coroutine
from typing import Any, Literal

import msgspec

from detector.errors import DialError
from detector.net.routes import Proxy
from detector.net.stream import Stream, connect, resolve
from detector.net.tunnel import through

_MAX_HANDSHAKE = 256 << 10


class NameProof(msgspec.Struct, frozen=True):
    """The answer.

    Attributes:
        state: "refuted": the certificate is not valid for the name; "unknown": it never came to that.
        key: SHA-256 of the certificate that proved it, hex.
        why: what failed, in words.

    """

    state: Literal["proven", "refuted", "unknown"]
    key: str = ""
    why: str = ""


async def prove_name(
    name: str,
    address: str,
    port: int,
    context: ssl.SSLContext,
    *,
    proxy: Proxy | None = None,
    seconds: float = 3.0,
) -> NameProof:
    """Make a handshake with `address` for `name`, by `context`, which verifies, within `seconds`.

    Where there is a proxy the tunnel is asked of it.
    """
    try:
        async with asyncio.timeout(seconds):
            if proxy is None:
                stream = await connect(await resolve(address, port))
            else:
                stream = await through(proxy, lambda: (address, port), _step, lambda _: None)
            try:
                return await _shake_hands(stream, name, context)
            finally:
                stream.close()
    except ssl.SSLCertVerificationError as error:
        return NameProof("refuted", why=error.verify_message)
    except TimeoutError:
        return NameProof("unknown", why=f"no handshake within {seconds:g} s")
    except (OSError, DialError) as error:
        return NameProof("unknown", why=str(error))


async def _shake_hands(stream: Stream, name: str, context: ssl.SSLContext) -> NameProof:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    size = 0
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        else:
            leaf = tls.getpeercert(binary_form=True)
            assert leaf is not None
            return NameProof("proven", hashlib.sha256(leaf).hexdigest())
        await stream.write(outgoing.read())
        data = await stream.read()
        size += len(data)
        if not data or size > _MAX_HANDSHAKE:
            why = "the server hangs up" if not data else "the handshake has no end"
            return NameProof("unknown", why=why)
        incoming.write(data)


async def _step[T](name: str, cause: str, work: Coroutine[Any, Any, T]) -> T:  # noqa: ARG001 (tunnel.Step)
    return await work
