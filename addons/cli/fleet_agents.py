"""`tlsight fleet token`, `agents`, `revoke`, `gateway`: who belongs to a fleet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from addons.cli import given
from addons.cli.fleet_home import Home
from detector.cli import exit_codes
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.fleet.home import FleetHome
    from addons.fleet.members import Member, Members
    from detector.wire.nkey import NKey

Out = Annotated[Path, Option(help="File to carry there; whoever has it is let in.")]


def token(
    out: Out,
    uses: Annotated[int, Option(min=1, max=100_000, help="Agents that it enrols.")] = 1,
    until: Annotated[str, Option(help="How long it is good: 30m, 2h, 7d.")] = "7d",
    device: Annotated[
        str | None,
        Option("--for", help="Id of the one device that it enrols, anew where it is known."),
    ] = None,
    store: Home = None,
) -> int:
    """Make a token that enrols an agent, once, or so many."""
    from datetime import timedelta

    from addons.cli.fleet_home import opened
    from addons.fleet.members import fresh_token
    from addons.fleet.serving import servers_of
    from detector.agent.membership import Token, write_membership
    from detector.agent.signed import public_signer
    from detector.cli.dates import duration
    from detector.knowledge.whole_file import write_whole

    lasts = duration("--until", until, timedelta(days=366))
    with opened(store) as (home, members):
        servers, _ = servers_of(members)
        now, key = given.now(), _key()
        name, secret = fresh_token()
        end = now + lasts
        jwt = _jwt(home, "enroller", key, name, int(end.timestamp()))
        made = Token(
            servers=servers, ca=home.ca(), signer=public_signer(home.keys.signer), name=name,
            seed=key.seed, jwt=jwt, secret=secret, salt=home.salt(),
        )  # fmt: skip
        members.make_token(name, secret, now, end, uses, given.user(), device)
        write_whole(out, write_membership(made), 0o600)
    times = "once" if uses == 1 else f"{uses} times"
    given.say(f"token {name}, good {times} until {end:%Y-%m-%d %H:%M}Z, is in {out}")
    given.say("there: tlsight agent enrol FILE, and remove the file")
    return exit_codes.CLEAN


def agents(
    all_: Annotated[bool, Option("--all", "-a", help="Revoked ones and gateways, too.")] = False,
    database: Annotated[
        str | None,
        Option(
            "--database",
            help="Where findings are kept: a file, postgresql://... or @FILE; the fleet's own when left out.",
            envvar="TLSIGHT_FLEET_DATABASE",
        ),
    ] = None,
    store: Home = None,
    json: Json = False,
) -> int:
    """List who is enrolled, and when each was heard last."""
    from addons.cli.fleet_home import opened

    with opened(store) as (home, members):
        found = members.all()
        heard = _heard(database, home)
    if heard is None:
        given.tell(
            "when they were heard last is not known: there is no database here that --database names"
        )
    for one in found:
        if not all_ and (one.revoked is not None or one.role != "agent"):
            continue
        if json:
            from msgspec.structs import asdict

            last = None if heard is None else heard.get(one.name, "")
            given.print_json({**asdict(one), "last": last})
            continue
        state = "revoked" if one.revoked is not None else one.role
        why = f"  {one.why}" if one.why else ""
        given.say(
            f"{one.name:32} {state:8} {one.enrolled[:16]}Z {_said(one, heard):20} {one.system:8} {one.shown}{why}"
        )
    return exit_codes.CLEAN


def _said(one: Member, heard: dict[str, str] | None) -> str:
    if one.role != "agent":
        return "-"
    return "not known" if heard is None else heard.get(one.name, "never heard")


def _heard(database: str | None, home: FleetHome) -> dict[str, str] | None:
    """When agents were heard last; None where the collector's database is not here."""
    import asyncio

    from addons.fleet import listing
    from addons.fleet.database import open_database

    if database is None and not home.database.is_file():
        return None

    async def asked() -> dict[str, str]:
        opened = await open_database(database or str(home.database), read_only=True)
        try:
            return await listing.last_heard(opened)
        finally:
            await opened.close()

    return asyncio.run(asked())


def revoke(
    name: Annotated[str, Argument(help="Device id, or a gateway's name.")],
    why: given.Why,
    role: Annotated[Literal["agent", "gateway", "centre"], Option(help="What it is.")] = "agent",
    store: Home = None,
) -> int:
    """End an agent's or gateway's rights; a running server cuts its connection within a second."""
    from addons.cli.fleet_home import opened

    with opened(store) as (_, members):
        members.revoke(role, name, given.now(), why)
    given.say(f"{name} is revoked; the server is told as long as tlsight fleet serve runs")
    return exit_codes.CLEAN


def gateway(
    name: Annotated[str, Argument(help="The gateway's: a-z, 0-9 and -.")],
    out: Out,
    store: Home = None,
) -> int:
    """Let a gateway of `tlsight bypass sync` use the bus as its shelf."""
    return _admitted("gateway", name, out, store)


def centre(out: Out, store: Home = None) -> int:
    """Let the centre of `tlsight bypass sync` use the bus as its shelf."""
    return _admitted("centre", "centre", out, store)


def register(app: Verbs) -> None:
    app.command("token")(token)
    app.command("agents")(agents)
    app.command("revoke")(revoke)
    app.command("gateway")(gateway)
    app.command("centre")(centre)


def _admitted(role: Literal["gateway", "centre"], name: str, out: Path, store: Path | None) -> int:
    from addons.cli.fleet_home import opened
    from addons.fleet.serving import servers_of
    from addons.sync.enrolment import is_name
    from detector.agent.membership import Membership, write_membership
    from detector.agent.signed import public_signer
    from detector.errors import ConfigError
    from detector.knowledge.whole_file import write_whole

    if not is_name(name):
        raise ConfigError(name, "is no name of a gateway", remedy="a-z, 0-9 and -, at most 32")
    with opened(store) as (home, members):
        servers, _ = servers_of(members)
        key = _key()
        made = Membership(
            servers=servers, ca=home.ca(), signer=public_signer(home.keys.signer), name=name,
            seed=key.seed, jwt=_jwt(home, role, key, name, None),
        )  # fmt: skip
        _write_down(members, role, name, key.public)
        write_whole(out, write_membership(made), 0o600)
    given.say(f"{name}: its file is {out}")
    return exit_codes.CLEAN


def _write_down(members: Members, role: str, name: str, user: str) -> None:
    from addons.fleet.members import Member

    members.add(Member(user, role, name, "", "", given.now().isoformat(), None, None, ""))


def _key() -> NKey:
    import secrets

    from detector.wire.nkey import NKey

    return NKey("user", secrets.token_bytes(32))


def _jwt(
    home: FleetHome,
    role: Literal["enroller", "gateway", "centre"],
    key: NKey,
    name: str,
    end: int | None,
) -> str:
    from addons.fleet.accounts import user_token

    return user_token(home.keys, role, key.public, name, int(given.now().timestamp()), end)
