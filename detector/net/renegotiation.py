"""Whether a server lets its clients renegotiate in TLS 1.2, asked by doing it once.

Theory of operation
-------------------
A handshake of TLS 1.2 is completed, and a second one is begun inside it (RFC 5246 section 7.4.1.2, RFC 5746), which a
client may do at any time. A server that does not want it says `no_renegotiation` or ends the connection; one that takes it
works for the second handshake as for the first, and nothing but its own limit keeps a client from asking again and again.
One second handshake is made and no byte of an application is sent. Python's `ssl` has no word for it; pyOpenSSL has.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING

from detector.errors import DialError
from detector.model.observation import Target
from detector.net.probe import ProbeOptions, ProbeRun
from detector.net.stream import Stream

if TYPE_CHECKING:
    from OpenSSL.SSL import Connection

_CHUNK = 1 << 14
# Seconds for the second handshake; some let a client wait for ever.
_WAIT = 3.0
# Of both handshakes together; chains are some KiB.
_MOST = 256 << 10


async def lets_renegotiate(target: Target, options: ProbeOptions) -> bool | None:
    """None where it did not come to that, where it stays silent, or without pyOpenSSL (the extra `grade`).

    Never raises for what a peer does.
    """
    if find_spec("OpenSSL") is None:
        return None
    from detector.net.untrusted import renegotiating_with_untrusted_peer

    try:
        stream = await ProbeRun(target, options).dial()
    except DialError:
        return None
    line = _Line(stream, renegotiating_with_untrusted_peer(target.sni))
    try:
        async with asyncio.timeout(options.timeout):
            if not await line.shaken():
                return None
        line.connection.renegotiate()
        async with asyncio.timeout(_WAIT):
            return await line.shaken()
    except OSError:  # a TimeoutError is one; and a reset is how some say no, which is not told from a line that broke
        return None
    finally:
        stream.close()


class _Line:
    """OpenSSL over a stream: what it has to send is sent, and it gets what came."""

    def __init__(self, stream: Stream, connection: Connection) -> None:
        self._stream, self.connection = stream, connection
        self._heard = 0

    async def shaken(self) -> bool:
        """Whether the handshake that was begun is completed, rather than refused. Raises OSError."""
        from OpenSSL import SSL

        while True:
            done = refused = False
            try:
                self.connection.do_handshake()
                done = True
            except SSL.WantReadError:
                pass
            except SSL.Error:  # whatever the peer's bytes are to it
                refused = True
            await self._flush()
            if done or refused:
                return done
            data = await self._stream.read()
            self._heard += len(data)
            if not data or self._heard > _MOST:
                return False
            self.connection.bio_write(data)

    async def _flush(self) -> None:
        from OpenSSL import SSL

        while True:
            try:
                data = self.connection.bio_read(_CHUNK)
            except SSL.WantReadError:
                return
            await self._stream.write(data)
