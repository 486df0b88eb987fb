"""`tlsight fleet publish`, `lists`, `ask`: what goes out to all agents, and what is asked of some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from addons.cli import given
from addons.cli.fleet_home import Home
from detector.cli import exit_codes
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from addons.fleet.home import FleetHome
    from addons.fleet.members import Members
    from detector.agent.questions import Question
    from detector.report.event_json import EventRecord


def publish(
    name: Annotated[Literal["configuration", "canaries", "bypass"], Argument(help="Which list.")],
    file: Annotated[Path, Argument(help="Its content from now on.")],
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
    _demand_good(name, content)
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
    host: Annotated[str, Argument(help="HOST or HOST:PORT.")],
    agents: Annotated[int, Option(min=1, max=1000, help="How many are asked.")] = 50,
    network: Annotated[
        str | None, Option(help="Only those that were last heard of in this network.")
    ] = None,
    wait: Annotated[str, Option(help="How long answers are waited for.")] = "30s",
    database: Annotated[
        str | None,
        Option(
            help="Where the collector keeps findings, as of fleet serve; the question is written there."
        ),
    ] = None,
    store: Home = None,
    json: Json = False,
) -> int:
    """Have agents look at a host now, and print what they see; exit with 1 where one sees an interception."""
    import asyncio
    from datetime import timedelta

    from addons.cli.fleet_home import opened
    from detector.cli.dates import duration
    from detector.errors import FetchError
    from detector.extras import demand
    from detector.model.targets import parse_target

    demand("fleet ask", "nats", "fleet")
    lasts = duration("--wait", wait, timedelta(days=1))
    target = parse_target(host)
    with opened(store) as (home, members):
        asking = _Asking(target.host, target.port, agents, network, lasts, database)
        try:
            answers = asyncio.run(_asked(home, members, asking))
        except FetchError as error:
            given.tell(str(error))
            return exit_codes.ENVIRONMENT
    for event in answers:
        _print(event, json=json)
    verdicts = [one.check.verdict for one in answers if one.check is not None]
    if "intercepted" in verdicts or "suspect" in verdicts:
        return exit_codes.FOUND
    return exit_codes.CLEAN if verdicts else exit_codes.INCONCLUSIVE


def _demand_good(name: str, content: bytes) -> None:
    """Every agent would refuse what is no such list; say so here. Raises ConfigError."""
    from detector.errors import ConfigError

    if name == "configuration":
        from detector.agent.settings import load, with_fleet

        with_fleet(load(None), content)
    elif name == "canaries":
        from detector.agent.canaries import read_canaries

        read_canaries(content)
    else:
        from detector.agent.canaries import patterns_of

        if next(iter(patterns_of(content)), None) is None:
            raise ConfigError(name, "names no host", remedy="rules as JSON, or one host a line")


class _Asking(NamedTuple):
    """What is asked, and of whom."""

    host: str
    port: int
    wanted: int
    network: str | None
    lasts: timedelta
    database: str | None


async def _asked(home: FleetHome, members: Members, what: _Asking) -> list[EventRecord]:
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
        chosen = await asking.chosen(link, devices, what.wanted, what.network, now)
        question = lists.fresh_question(what.host, what.port, now + what.lasts)
        await _write_down(what, question, now)
        shown = f"{what.host}:{what.port}"
        given.tell(f"{len(chosen)} of {len(devices)} agents are asked about {shown}")
        wait = what.lasts.total_seconds()
        return await asking.answers(link, chosen, question, home.keys.signer, now, wait)
    finally:
        await link.close()


async def _write_down(what: _Asking, question: Question, now: datetime) -> None:
    """Before anybody is asked: the collector takes answers to questions that it knows."""
    import os

    from addons.fleet.database import default_database, open_database
    from addons.fleet.taking import stamp

    database = await open_database(what.database or default_database(os.environ))
    try:
        row = (
            question.id, f"{question.host}:{question.port}", stamp(now), stamp(question.until),
            given.user(), what.wanted, what.network or "",
        )  # fmt: skip
        words = (
            "INSERT INTO question (id, host, asked, until, by, wanted, network)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        await database.write([(words, [row])])
    finally:
        await database.close()


def register(app: Verbs) -> None:
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
