"""One QUIC handshake for HTTP/3 (RFC 9000, RFC 9001, RFC 9114), by aioquic, which is an extra.

As with TLS over TCP nobody is trusted yet: certificates are taken as they come, only the signature that shows
who holds the leaf's key is checked, by aioquic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from detector.net.untrusted import quic_configuration_for_untrusted_peer

if TYPE_CHECKING:
    from aioquic.quic.connection import QuicConnection

MAX_CERTIFICATES = 100


async def quic_chain(address: str, port: int, name: str | None) -> tuple[bytes, ...]:
    """Certificates (DER, leaf first) that a server shows over QUIC to who asks for `name` and HTTP/3; empty
    where no handshake was completed. Waits as long as it is let; never raises for what a peer does.
    """
    from aioquic.asyncio.protocol import QuicConnectionProtocol
    from aioquic.quic.connection import QuicConnection

    class Guarded(QuicConnectionProtocol):
        """Whatever a hostile datagram does to the parser, it ends this connection alone."""

        def datagram_received(self, data: str | bytes, addr: object) -> None:
            try:
                super().datagram_received(data, addr)
            except Exception:
                broken.set()

        def connection_lost(self, _: Exception | None) -> None:
            broken.set()

    broken = asyncio.Event()
    connection = QuicConnection(configuration=quic_configuration_for_untrusted_peer(name))
    six = ":" in address
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.create_datagram_endpoint(
            lambda: Guarded(connection),
            local_addr=("::" if six else "0.0.0.0", 0),  # noqa: S104
        )
    except OSError:  # no such address family here
        return ()
    try:
        protocol.connect((address, port, 0, 0) if six else (address, port))
        if not await _connected(protocol.wait_connected(), broken):
            return ()
        return _shown(connection)
    except (OSError, ValueError):
        return ()
    finally:
        protocol.close()
        transport.close()


async def _connected(waiting: Coroutine[None, None, None], broken: asyncio.Event) -> bool:
    """Whether the handshake ended well before the connection broke."""
    done = asyncio.ensure_future(waiting)
    cut = asyncio.ensure_future(broken.wait())
    try:
        await asyncio.wait((done, cut), return_when=asyncio.FIRST_COMPLETED)
        return done.done() and done.exception() is None
    finally:
        for task in (done, cut):
            task.cancel()
        await asyncio.gather(done, cut, return_exceptions=True)


def _shown(connection: QuicConnection) -> tuple[bytes, ...]:
    """Where aioquic keeps them: it has no public name for them."""
    tls = connection.tls
    leaf = getattr(tls, "_peer_certificate", None)
    above = getattr(tls, "_peer_certificate_chain", [])
    if leaf is None:
        return ()
    shown = [leaf, *above][:MAX_CERTIFICATES]
    return tuple(one.public_bytes(Encoding.DER) for one in shown)
