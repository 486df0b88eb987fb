"""A fleet that runs: the real nats-server with the fleet's accounts and TLS, and agents that were enrolled in it."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from addons.fleet.accounts import user_token
from addons.fleet.home import FleetHome
from addons.fleet.members import Member, Members, fresh_token
from addons.fleet.rights import Role
from addons.fleet.serving import Serving, serve
from detector import clock
from detector.agent import subjects
from detector.agent.membership import Membership, Token
from detector.agent.signed import public_signer
from detector.net.nats_link import Login, NatsLink, dial
from detector.wire.nkey import NKey
from tests.live.programs import free_port
from tests.live.waiting import PATIENCE


class Fleet:
    """What a test holds: `async with running(folder) as fleet`."""

    def __init__(self, folder: Path, port: int, disk: int = 20 << 30) -> None:
        self.folder = folder
        self.disk = disk
        self.port = port
        self.said: list[str] = []
        self.home = FleetHome(folder / "fleet", make=True)
        self.members = Members(self.home.members)

    @property
    def servers(self) -> tuple[str, ...]:
        return (f"tls://localhost:{self.port}",)

    def member(self, role: Role, name: str, *, known: bool = True) -> Membership:
        """Somebody with the fleet's word."""
        key, now = NKey("user", secrets.token_bytes(32)), clock.now()
        jwt = user_token(self.home.keys, role, key.public, name, int(now.timestamp()))
        if known:
            self.members.add(
                Member(key.public, role, name, "", "", now.isoformat(), None, None, "")
            )
        return Membership(
            servers=self.servers, ca=self.home.ca(), signer=public_signer(self.home.keys.signer),
            name=name, seed=key.seed, jwt=jwt,
        )  # fmt: skip

    def token(self, *, uses: int = 1, device: str | None = None, hours: float = 1) -> Token:
        """A one-time token, as `tlsight fleet token` makes it."""
        name, secret = fresh_token()
        now = clock.now()
        until = now + timedelta(hours=hours)
        key = NKey("user", secrets.token_bytes(32))
        jwt = user_token(self.home.keys, "enroller", key.public, name, int(now.timestamp()))
        self.members.make_token(name, secret, now, until, uses, "test", device)
        return Token(
            servers=self.servers, ca=self.home.ca(), signer=public_signer(self.home.keys.signer),
            name=name, seed=key.seed, jwt=jwt, secret=secret, salt=self.home.salt(),
        )  # fmt: skip

    async def dial(self, member: Membership) -> NatsLink:
        key = NKey.read(member.seed)
        inbox = subjects.inbox(member.name)
        return await dial(Login(member.servers, member.ca, member.jwt, key.sign, inbox))

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """The fleet's process, in this one; its nats-server is a child."""
        how = Serving("127.0.0.1", self.port, ("localhost",), always=False, disk=self.disk)
        task = asyncio.ensure_future(serve(self.home, how, os.environ, clock.now, self.said.append))
        try:
            async with asyncio.timeout(PATIENCE):
                while not any(line.startswith("fleet: ") for line in self.said):
                    await asyncio.sleep(0.02)
                    if task.done():
                        task.result()
            yield
        finally:
            self.said.clear()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def running(folder: Path, disk: int = 20 << 30) -> AsyncGenerator[Fleet]:
    """A fleet, served; its bus may take `disk` bytes."""
    fleet = Fleet(folder, free_port(), disk)
    try:
        async with fleet.serving():
            yield fleet
    finally:
        fleet.members.close()


async def until(true: object) -> None:
    """Wait until `true()` is; raises TimeoutError."""
    assert callable(true)
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.01)
