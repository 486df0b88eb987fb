"""`tlsight fleet publish`, `lists`, `ask`: what goes out to all agents, and what is asked of some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from addons.cli import given
from addons.cli.fleet_home import Home
from detector.cli import exit_codes
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.fleet.home import FleetHome
    from addons.fleet.members import Members
    from detector.report.event_json import EventRecord


def publish(
    name: Annotated[
        Literal["configuration", "canaries", "bypass"], typer.Argument(help="Which list.")
    ],
    file: Annotated[Path, typer.Argument(help="Its content from now on.")],
    store: Home = None,
) -> int:
    """Sign a list and send it to all agents; those that are away take it when they are back."""
    from addons.cli.fleet_home import opened
    from addons.fleet import lists
    from detector.agent.signed import MAX_CONTENT
    from detector.bounded import read_bounded
    from detector.errors import ConfigError

    try:
        content = read_bounded(file, MAX_CONTENT + 1)
    except OSError as error:
        raise ConfigError(str(file), error.strerror or str(error)) from None
    with opened(store) as (home, members):
        one = lists.published(members, name, content, home.keys.signer, given.now(), given.user())
    given.say(f"{name} {one.serial} is signed until {one.until[:10]}; tlsight fleet serve sends it")
    return exit_codes.CLEAN


def show(store: Home = None, json: Json = False) -> int:
    """List what is published."""
    from addons.cli.fleet_home import opened

    with opened(store) as (_, members):
        found = members.published()
    for one in found:
        if json:
            given.print_json(
                {"name": one.name, "serial": one.serial, "at": one.at, "until": one.until,
                 "by": one.by, "bytes": len(one.content)}
            )  # fmt: skip
            continue
        size = f"{len(one.content):,} bytes"
        given.say(
            f"{one.name:14} {one.serial:6} {one.at[:16]}Z until {one.until[:10]} {size:>16} {one.by}"
        )
    return exit_codes.CLEAN


def ask(
    host: Annotated[str, typer.Argument(help="HOST or HOST:PORT.")],
    agents: Annotated[int, typer.Option(min=1, max=1000, help="How many are asked.")] = 50,
    network: Annotated[
        str | None, typer.Option(help="Only those that were last heard of in this network.")
    ] = None,
    wait: Annotated[str, typer.Option(help="How long answers are waited for.")] = "30s",
    store: Home = None,
    json: Json = False,
) -> int:
    """Have agents look at a host now, and print what they see; exit with 1 where one sees an interception."""
    import asyncio
    from datetime import timedelta

    from addons.cli.fleet_home import duration, opened
    from detector.errors import FetchError
    from detector.extras import demand
    from detector.model.targets import parse_target

    demand("fleet ask", "nats", "fleet")
    lasts = duration("--wait", wait, timedelta(days=1))
    target = parse_target(host)
    with opened(store) as (home, members):
        try:
            answers = asyncio.run(
                _asked(
                    home, members, target.host, target.port, agents, network, lasts.total_seconds()
                )
            )
        except FetchError as error:
            given.tell(str(error))
            return exit_codes.ENVIRONMENT
    for event in answers:
        _print(event, json=json)
    verdicts = [one.check.verdict for one in answers if one.check is not None]
    if "intercepted" in verdicts or "suspect" in verdicts:
        return exit_codes.FOUND
    return exit_codes.CLEAN if verdicts else exit_codes.INCONCLUSIVE


async def _asked(
    home: FleetHome,
    members: Members,
    host: str,
    port: int,
    wanted: int,
    network: str | None,
    wait: float,
) -> list[EventRecord]:
    from datetime import timedelta

    from addons.fleet import asking, lists
    from addons.fleet.keeper import Keeper
    from addons.fleet.serving import servers_of
    from detector.net.nats_link import dial

    _, local = servers_of(members)
    keeper = Keeper(home, members, (local,), home.ca(), 0, given.now, given.tell)
    link = await dial(keeper.login())
    try:
        devices = [one.name for one in members.all("agent") if one.revoked is None]
        now = given.now()
        chosen = await asking.chosen(link, devices, wanted, network, now)
        question = lists.fresh_question(host, port, now + timedelta(seconds=wait))
        given.tell(f"{len(chosen)} of {len(devices)} agents are asked about {host}:{port}")
        return await asking.answers(link, chosen, question, home.keys.signer, now, wait)
    finally:
        await link.close()


def register(app: typer.Typer) -> None:
    app.command("publish")(publish)
    app.command("lists")(show)
    app.command("ask")(ask)


def _print(event: EventRecord, *, json: bool) -> None:
    if json:
        given.print_json(event)
        return
    check = event.check
    verdict = check.verdict if check is not None else "no answer"
    by = check.interceptor if check is not None else None
    who = f" by {by.product or by.engine or by.issuer}" if by is not None else ""
    name = f" ({event.device.name})" if event.device.name else ""
    network = event.network.id[:12] if event.network is not None else "-"
    given.say(f"{event.device.id}{name}  network {network}  {verdict}{who}")
