"""The keeper: what a fleet does by itself while `tlsight fleet serve` runs.

It holds one connection that may do everything. On each connect it makes the streams what they are to be, pushes the
account's token (who is revoked), puts the lists there, and listens for who wants to be enrolled. After that it looks
several times a second whether another process has written the members' file: so `tlsight fleet revoke` and `publish`
write a file, and need no rights on the bus.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from addons.fleet import bus, lists, shelving
from addons.fleet.accounts import account_tokens, system_user_token
from addons.fleet.enrolling import Enroller
from addons.fleet.home import FleetHome
from addons.fleet.keeping import Floors
from addons.fleet.members import Members
from detector.agent import subjects
from detector.errors import FetchError, TlsightError
from detector.net.nats_link import Login, NatsLink, dial, pause
from detector.wire.nkey import NKey

if TYPE_CHECKING:
    from nats.aio.msg import Msg

_LOOK = 0.2
_SELDOM = 600.0
# Seconds between two looks at how full the stream is, and between two times that a list is put back.
_ROOM = 1.0
_MEND = 1.0
# Of the account's token: what the bus carries.
_MOST_TOKEN = (1 << 20) - 4096


class Keeper:
    """Of one fleet.

    Args:
        home: its folder.
        members: who belongs to it.
        servers: where its bus is.
        ca: PEM of the only roots that vouch for it; None means the system's.
        disk: bytes that the bus may take.
        now: the clock.
        tell: takes a line for who looks at the console.

    """

    def __init__(
        self,
        home: FleetHome,
        members: Members,
        servers: tuple[str, ...],
        ca: str | None,
        disk: int,
        now: Callable[[], datetime],
        tell: Callable[[str], None],
    ) -> None:
        self._home = home
        self._members = members
        self._servers = servers
        self._ca = ca
        self._disk = disk
        self._crowded = bus.most_of_one(disk) // 2
        self._now = now
        self._tell = tell
        self._pushed: dict[str, int] | None = None
        self._floors = Floors()
        self._written = False
        self._warned = False
        self.ready = asyncio.Event()

    async def run(self, work: Callable[[NatsLink], Awaitable[None]] | None = None) -> None:
        """Until it is cancelled.

        Args:
            work: what else is done with the connection, for as long as it lasts: the collector.

        """
        failures, told = 0, ""
        while True:
            try:
                link = await dial(self.login())
            except FetchError as error:
                failures += 1
                if failures > 2 and str(error) != told:
                    told = str(error)
                    self._tell(told)
            else:
                try:
                    await self._keep(link, work)
                except FetchError as error:
                    failures += 1
                    if str(error) != told:
                        told = str(error)
                        self._tell(told)
                else:
                    failures = 0
                finally:
                    self.ready.clear()
                    await link.close()
            await asyncio.sleep(pause(failures, random.random(), 15) / 2)  # noqa: S311

    def login(self) -> Login:
        """Who may do everything."""
        now = int(self._now().timestamp())
        keys = self._home.keys
        return bus.keeper_login(keys, self._servers, self._ca, now, secrets.token_bytes(32))

    async def _keep(
        self, link: NatsLink, work: Callable[[NatsLink], Awaitable[None]] | None
    ) -> None:
        await bus.prepare(link, self._disk)
        self._pushed = None
        seen = self._members.version()
        await self._push()
        await self._watch(link)
        changed = asyncio.Event()
        enroller = Enroller(self._home.keys, self._members, self._now, changed.set, self._tell)
        await enroller.listen(link)
        await shelving.listen(link)
        self.ready.set()
        working = asyncio.ensure_future(work(link)) if work is not None else None
        try:
            await self._look(link, seen, changed, working)
        finally:
            if working is not None:
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working

    async def _look(
        self,
        link: NatsLink,
        seen: int,
        changed: asyncio.Event,
        working: asyncio.Future[None] | None,
    ) -> None:
        loop, seldom, room, mend = asyncio.get_running_loop(), 0.0, 0.0, 0.0
        while link.open:
            if working is not None and working.done():
                working.result()
                return
            if (version := self._members.version()) != seen or changed.is_set():
                changed.clear()
                seen = version
                await self._push()
                await lists.sent(link, self._members.published())
            if self._written and loop.time() >= mend:
                mend = loop.time() + _MEND
                await self._put_back(link)
            if loop.time() >= room:
                room = loop.time() + _ROOM
                await self._let_go(link)
            if loop.time() >= seldom:
                seldom = loop.time() + _SELDOM
                await self._seldom(link)
            await asyncio.sleep(_LOOK)

    async def _watch(self, link: NatsLink) -> None:
        """Hear what is written into the bucket of lists: nobody but the fleet has a word there."""

        async def take(message: Msg) -> None:
            del message
            self._written = True

        await link.hear(subjects.key_subject(subjects.LISTS, ">"), take)
        await self._put_back(link)

    async def _put_back(self, link: NatsLink) -> None:
        """The fleet's own word, where what is there is not that."""
        self._written = False
        wrong = await lists.mended(link, self._members.published())
        if wrong and not self._warned:
            self._warned = True
            names = "".join(one for one in ", ".join(wrong) if one.isprintable())[:200]
            self._tell(
                f"the bus held lists that the fleet did not sign, {names}: they are put right"
            )

    async def _push(self) -> None:
        """Tell the server who is revoked, where it does not know. Raises FetchError."""
        revoked = self._members.revoked()
        if revoked == self._pushed:
            return
        keys, now = self._home.keys, int(self._now().timestamp())
        tokens = account_tokens(keys, revoked, now)
        if any(len(token) > _MOST_TOKEN for token in tokens.values()):
            raise FetchError(
                self._servers[0], f"{len(revoked)} revoked keys are more than the bus carries"
            )
        key = NKey("user", secrets.token_bytes(32))
        jwt = system_user_token(keys, key.public, now)
        inbox = subjects.inbox(bus.KEEPER)
        link = await dial(Login(self._servers, self._ca, jwt, key.sign, inbox, "tlsight fleet"))
        try:
            for account, token in tokens.items():
                subject = f"$SYS.REQ.ACCOUNT.{account}.CLAIMS.UPDATE"
                answer = await link.ask(subject, token.encode())
                if b'"error"' in answer:
                    text = answer.decode(errors="replace")[:300]
                    raise FetchError(self._servers[0], f"does not take an account's token: {text}")
        finally:
            await link.close()
        self._pushed = revoked

    async def _seldom(self, link: NatsLink) -> None:
        try:
            renewed = lists.renewed(self._members, self._home.keys.signer, self._now())
            await lists.sent(link, renewed)
        except TlsightError as error:
            self._tell(f"a list is not signed anew: {error}")

    async def _let_go(self, link: NatsLink) -> None:
        """Of events that the collector has; without one all stay."""
        info = await bus.api(link, f"STREAM.INFO.{subjects.EVENTS}")
        consumers = await bus.api(link, f"CONSUMER.LIST.{subjects.EVENTS}")
        durable = [
            one
            for one in consumers.get("consumers", ())
            if one.get("config", {}).get("durable_name")
        ]
        if not durable:
            return
        floor = min(int(one["ack_floor"]["stream_seq"]) for one in durable)
        if int(info["state"]["messages"]) > self._crowded:
            await self._let_go_of_one(link, floor)
        used = int(info["state"]["bytes"]) / max(1, self._disk // 2)
        last = self._floors.let_go(asyncio.get_running_loop().time(), floor, used)
        if last:
            await bus.api(link, f"STREAM.PURGE.{subjects.EVENTS}", {"seq": last + 1})

    async def _let_go_of_one(self, link: NatsLink, floor: int) -> None:
        """Of events that the collector has, where one agent's part is half full."""
        asked = {"subjects_filter": subjects.ALL_EVENTS}
        info = await bus.api(link, f"STREAM.INFO.{subjects.EVENTS}", asked)
        for subject, count in (info["state"].get("subjects") or {}).items():
            if int(count) > self._crowded:
                body = {"filter": subject, "seq": floor + 1}
                await bus.api(link, f"STREAM.PURGE.{subjects.EVENTS}", body)
