"""Somebody who floods a learning proxy with made-up names, from ever other addresses, and lies about a listed one.

Needs a network namespace in which 10.66.0.0/16 is local: `python bench/soak.py --flood` makes one.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from contextlib import suppress
from typing import Self

from detector.lab.origin import Origin
from detector.lab.pki import LabPki

NETWORK = "10.66.0.0/16"
ADDRESSES = 50_000
NAMES_A_SECOND = 1000
_WORKERS = 24
# One in so many says the listed name, and goes to the attacker's own server.
_SPOOFS = 50
_AT = "127.0.0.66"


class Flood:
    """`async with Flood(port, origin, listed)`; then `names`, `spoofs` and `unbound` say what was done.

    Attributes:
        names: names made up, each said once.
        spoofs: how often the listed name was said at the attacker's address.
        unbound: how often the attacker's own certificate came of that: must stay 0.
        turned: connections that the proxy did not take or keep.

    """

    def __init__(self, port: int, origin: int, listed: str) -> None:
        self.port, self._origin, self._listed = port, origin, listed
        self.names = self.spoofs = self.unbound = self.turned = 0
        evil = LabPki().issue(listed)
        self._leaf = evil.der
        self._server = Origin({listed: evil}, _AT)
        self._hello = _hello()
        self._tasks: list[asyncio.Task[None]] = []
        self._turn = 0.0

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        self._tasks = [asyncio.create_task(self._work(n)) for n in range(_WORKERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):  # handshakes that the proxy does not end
            async with asyncio.timeout(5):
                await self._server.__aexit__(None, None, None)

    async def _work(self, number: int) -> None:
        chance = random.Random(number)
        while True:
            await self._pace()
            source = chance.randrange(1, ADDRESSES)
            address = f"10.66.{source >> 8}.{source & 255}"
            try:
                async with asyncio.timeout(20):
                    if chance.randrange(_SPOOFS):
                        await self._made_up(address, chance)
                    else:
                        await self._spoofed(address)
            except (OSError, EOFError, TimeoutError, ValueError):
                self.turned += 1

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        self._turn = max(now, self._turn + 1 / NAMES_A_SECOND)
        await asyncio.sleep(self._turn - now)

    async def _made_up(self, source: str, chance: random.Random) -> None:
        """A hello with a name that nobody ever said, towards the real server, and a hang-up."""
        name = f"{chance.getrandbits(64):016x}.flood.test".encode()
        reader, writer = await self._asked(source, "127.0.0.1", self._origin)
        try:
            writer.write(self._hello.replace(b"0123456789abcdef.flood.test", name))
            await reader.read(1)
            self.names += 1
        finally:
            writer.transport.abort()

    async def _spoofed(self, source: str) -> None:
        reader, writer = await self._asked(source, _AT, self._server.port)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            self.spoofs += 1
            await writer.start_tls(context, server_hostname=self._listed)
            tls = writer.get_extra_info("ssl_object")
            self.unbound += tls.getpeercert(binary_form=True) == self._leaf
            with suppress(OSError):
                await reader.read(1)
        finally:
            writer.transport.abort()

    async def _asked(
        self, source: str, address: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(source, 0)
        )
        try:
            writer.write(f"CONNECT {address}:{port} HTTP/1.1\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
        except BaseException:
            writer.transport.abort()
            raise
        return reader, writer


def _hello() -> bytes:
    """A real ClientHello; its name is changed in place, for one of the same length."""
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="0123456789abcdef.flood.test")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()
