"""`tlsight fleet serve`: the bus, the keeper, the collector and the page, one beside the other in one process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from addons.fleet.accounts import account_tokens, operator_token, system_token
from addons.fleet.embedded import Embedded, ServerSettings, accounts_part
from addons.fleet.home import FleetHome, program, read_pem
from addons.fleet.keeper import Keeper
from addons.fleet.members import Members
from addons.store.private_file import write_private
from detector.errors import ConfigError
from detector.net.nats_link import NatsLink
from detector.wire.nkey import NKey

_A_DAY = 86_400.0
# Agents are told these; keeper and commands on the same machine use the last.
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Serving:
    """How it is served.

    Attributes:
        host: address to listen at.
        port: of it.
        names: by which agents reach it: names and addresses.
        certificate: the user's own in place of one of the own CA.
        ca: what vouches for that; None means the operating system's roots.
        external: a server that somebody else runs, tls://HOST:PORT; none is started then.
        disk: bytes that the bus may take.
        always: see addons.fleet.embedded.

    """

    host: str
    port: int
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    ca: Path | None = None
    external: str | None = None
    disk: int = 20 << 30
    always: bool = True


async def serve(
    home: FleetHome,
    how: Serving,
    environment: Mapping[str, str],
    now: Callable[[], datetime],
    tell: Callable[[str], None],
    work: Callable[[NatsLink], Awaitable[None]] | None = None,
) -> None:
    """Until it is cancelled. Raises ConfigError, StoreError."""
    members = Members(home.members)
    try:
        public = _certified(home, how, now())
        local = how.external or _local(home, how, public)
        members.keep("servers", "\n".join(public))
        members.keep("local", local)
        ca = home.ca()
        keeper = Keeper(home, members, (local,), ca, how.disk, now, tell)
        tasks: list[asyncio.Future[None]] = []
        try:
            if how.external is None:
                server = Embedded(program(environment), home.config, tell)
                server.configure(_settings(home, how, members, now()))
                ready = asyncio.Event()
                tasks.append(asyncio.ensure_future(server.run(ready)))
                tasks.append(asyncio.ensure_future(_certify_daily(home, how, now, server)))
                await _first(tasks[0], ready)
            else:
                _write_part(home, members, now())
            tasks.append(asyncio.ensure_future(keeper.run(work)))
            tasks.append(asyncio.ensure_future(_configure_again(home, how, members, now)))
            await _first(tasks[-2], keeper.ready)
            tell(f"fleet: {', '.join(public)}")
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in reversed(tasks):
                one.cancel()
                await asyncio.gather(one, return_exceptions=True)
    finally:
        members.close()


def servers_of(members: Members) -> tuple[tuple[str, ...], str]:
    """Where agents find the bus, and where this machine does. Raises ConfigError where it was never served."""
    public, local = members.fact("servers"), members.fact("local")
    if public is None or local is None:
        remedy = "start tlsight fleet serve first: it says where agents find it"
        raise ConfigError("fleet", "was not served yet", remedy=remedy)
    return tuple(public.split("\n")), local


def _certified(home: FleetHome, how: Serving, now: datetime) -> tuple[str, ...]:
    """See to the certificate; where agents find the server."""
    names = how.names or (socket.getfqdn(),)
    if how.external is not None:
        if how.ca is not None:
            write_private(home.folder / "ca.pem", read_pem(how.ca))
        return (how.external,)
    if how.certificate is not None:
        home.take_certificate(how.certificate, how.ca)
    else:
        home.certify(_all_names(names), now)
    return tuple(f"tls://{f'[{one}]' if ':' in one else one}:{how.port}" for one in names)


def _all_names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*names, *_LOCAL)))


def _local(home: FleetHome, how: Serving, public: tuple[str, ...]) -> str:
    if how.certificate is not None:
        return public[0]  # its names are not ours to choose
    every = how.host in ("0.0.0.0", "::", "127.0.0.1", "localhost")  # noqa: S104 (what the user may say)
    host = "localhost" if every else how.host
    del home
    return f"tls://{f'[{host}]' if ':' in host else host}:{how.port}"


def _settings(home: FleetHome, how: Serving, members: Members, now: datetime) -> ServerSettings:
    at, keys = int(now.timestamp()), home.keys
    return ServerSettings(
        how.host,
        how.port,
        home.store,
        home.server,
        operator_token(keys, at),
        NKey.read(keys.system).public,
        _accounts(home, members, at),
        disk=how.disk,
        always=how.always,
    )


def _accounts(home: FleetHome, members: Members, at: int) -> dict[str, str]:
    keys = home.keys
    return {
        NKey.read(keys.system).public: system_token(keys, at),
        **account_tokens(keys, members.revoked(), at),
    }


def _write_part(home: FleetHome, members: Members, now: datetime) -> None:
    """What a server that somebody else runs includes."""
    at, keys = int(now.timestamp()), home.keys
    system = NKey.read(keys.system).public
    part = accounts_part(operator_token(keys, at), system, _accounts(home, members, at))
    write_private(home.folder / "accounts.conf", part.encode())


async def _configure_again(
    home: FleetHome, how: Serving, members: Members, now: Callable[[], datetime]
) -> None:
    """The server keeps what it was pushed in memory alone: its file says the same when it starts again."""
    known = members.revoked()
    while True:
        await asyncio.sleep(0.2)
        revoked = members.revoked()
        if revoked == known:
            continue
        known = revoked
        if how.external is None:
            Embedded(Path(), home.config, print).configure(_settings(home, how, members, now()))
        else:
            _write_part(home, members, now())


async def _certify_daily(
    home: FleetHome, how: Serving, now: Callable[[], datetime], server: Embedded
) -> None:
    while True:
        await asyncio.sleep(_A_DAY)
        if how.certificate is None and home.certify(
            _all_names(how.names or (socket.getfqdn(),)), now()
        ):
            server.reload()


async def _first(task: asyncio.Future[None], event: asyncio.Event) -> None:
    """Wait for the event; what the task raises before it is raised."""
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()
