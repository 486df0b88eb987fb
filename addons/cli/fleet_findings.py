"""`tlsight fleet findings|silent|correlations|event|networks`: what is kept of a fleet, asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from addons.cli import given
from addons.cli.fleet_home import Home
from detector.cli import exit_codes
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.fleet.database import FleetDatabase
    from addons.fleet.listing import (
        AgentLine,
        CorrelationLine,
        FindingLine,
        GroupLine,
        NetworkLine,
    )
    from addons.fleet.members import Member

Where = Annotated[
    str | None,
    Option(
        "--database",
        help="SQLite file, postgresql://USER@HOST/NAME, or @FILE with such a URL; the fleet's own when left out.",
        envvar="TLSIGHT_FLEET_DATABASE",
    ),
]
All = Annotated[bool, Option("--all/--open", "-a", help="Also what is over.")]
_SHORTEST = 6
# What is open and no more than an agent's word.
_UNPROVED = {
    "claimed": "CLAIMED, not judged yet",
    "not-borne-out": "CLAIMED, no observation proves it",
    "unknown": "UNKNOWN, the agent lost its state",
}


def register(app: Verbs) -> None:
    app.command("findings")(findings)
    app.command("silent")(silent)
    app.command("correlations")(correlations)
    app.command("event")(event)
    app.command("networks")(networks)


def findings(
    all_: All = False,
    by: Annotated[
        Literal["network", "product", "issuer"] | None, Option(help="Count them by that.")
    ] = None,
    database: Where = None,
    json: Json = False,
) -> int:
    """Who intercepts whom, over all agents; exit code 1 where something is open that the policy does not allow.

    CLAIMED is what an agent says and no observation proves; where there is nothing else, the exit code is 3.
    """
    from addons.fleet import listing

    if by is not None:
        groups = _ask(database, lambda opened: listing.grouped(opened, by, closed=all_))
        _show("group", groups, _group, "findings", database, json=json)
        return _code(
            (one.findings > one.sanctioned for one in groups), (one.claimed > 0 for one in groups)
        )
    found = _ask(database, lambda opened: listing.findings(opened, closed=all_))
    _show("finding", found, _finding, "findings", database, json=json)
    accused = [one for one in found if one.closed is None and not one.sanctioned]
    return _code(
        (one.proof in ("proven", "told") for one in accused), (bool(one.proof) for one in accused)
    )


def silent(database: Where = None, store: Home = None, json: Json = False) -> int:
    """Agents that should have been heard by now, were never heard, or cannot look; exit code 1 where there are some."""
    from addons.fleet import listing

    now, members = given.now(), _enrolled(store)

    async def asked(opened: FleetDatabase) -> list[AgentLine]:
        return [
            *await listing.never_heard(opened, members or [], now),
            *await listing.silent(opened, now),
            *await listing.blind(opened, now),
        ]

    found = _ask(database, asked)
    _show("silent", found, _agent, "silent agents", database, json=json)
    if members is None:
        given.tell(
            "which agents were enrolled and never heard is not known: --store names the fleet's folder"
        )
    return _code(True for _ in found)


def correlations(all_: All = False, database: Where = None, json: Json = False) -> int:
    """What no single agent can see; exit code 1 where something holds now."""
    from addons.fleet import listing

    found = _ask(database, lambda opened: listing.correlations(opened, closed=all_))
    _show("correlation", found, _correlation, "correlations", database, json=json)
    return _code(one.closed is None for one in found)


def event(
    id_: Annotated[str, Argument(metavar="ID", help="The event's, or how it begins.")],
    observation: Annotated[
        bool, Option("--observation", help="What was seen alone, for `tlsight judge -`.")
    ] = False,
    database: Where = None,
) -> int:
    """Print an event, or the observation in it, which anybody can judge again."""
    from addons.fleet import listing
    from detector.errors import ConfigError
    from detector.model.no_json import NO_JSON
    from detector.report.event_json import decode_event

    start = id_.lower()
    if len(start) < _SHORTEST or not set(start) <= set("0123456789abcdef"):
        raise ConfigError("ID", f"{_SHORTEST} hex digits at least are wanted")
    found = _ask(database, lambda opened: listing.event(opened, start))
    if len(found) != 1:
        raise ConfigError("ID", "several events begin so" if found else "there is no such event")
    try:
        told = decode_event(found[0][1].encode())
    except NO_JSON:  # the collector reads what it keeps apart, and keeps the rest as it came
        raise ConfigError(
            "ID", "what this event holds is none that this version can read"
        ) from None
    if not observation:
        given.print_json(told)
        return exit_codes.CLEAN
    if told.observation is None:
        raise ConfigError(
            "ID",
            "this event holds no observation: the agent's settings keep it back, or it is of none",
        )
    given.print_json(told.observation)
    return exit_codes.CLEAN


def networks(
    label: Annotated[
        tuple[str, str] | None,
        Option("--label", metavar="ID TEXT", help="Give a network a name: which site it is."),
    ] = None,
    database: Where = None,
    json: Json = False,
) -> int:
    """Networks that agents were on; the same label makes several one place."""
    from addons.fleet import listing
    from detector.errors import ConfigError
    from detector.model.harmless import harmless

    if label is not None:
        network, text = label[0], harmless(label[1])[:200]
        if not _ask(database, lambda opened: listing.label(opened, network, text), write=True):
            raise ConfigError("--label", "there is no network with this id")
        given.say(f"{network}: {text}")
        return exit_codes.CLEAN
    found = _ask(database, listing.networks)
    _show("network", found, _network, "networks", database, json=json)
    return exit_codes.CLEAN


def _ask[T](
    where: str | None, ask: Callable[[FleetDatabase], Awaitable[T]], *, write: bool = False
) -> T:
    import asyncio
    import os

    from addons.fleet.database import default_database, open_database

    async def asked() -> T:
        opened = await open_database(where or default_database(os.environ), read_only=not write)
        try:
            return await ask(opened)
        finally:
            await opened.close()

    return asyncio.run(asked())


def _enrolled(store: Path | None) -> list[Member] | None:
    import os

    from addons.fleet.home import default_home
    from addons.fleet.unheard import enrolled

    return enrolled(store or default_home(os.environ))


def _say_none(found: Sequence[object], what: str, where: str | None) -> None:
    """That there are none, of which database, and whether anybody writes it: another one than the fleet's is empty, too."""
    import os
    from urllib.parse import urlsplit

    from addons.fleet import listing
    from addons.fleet.database import default_database

    if found:
        return
    agents, last = _ask(where, listing.written)
    name = where or default_database(os.environ)
    if "://" in name:  # without its password
        split = urlsplit(name)
        name = f"{split.scheme}://{split.hostname or ''}{split.path}"
    wrote = (
        f"the collector wrote last what came {last}" if last else "no collector ever wrote there"
    )
    given.tell(f"none: no {what} in {name}, where {agents} agents were ever heard; {wrote}")


def _code(found: Iterable[bool], claimed: Iterable[bool] = ()) -> int:
    if any(found):
        return exit_codes.FOUND
    return exit_codes.INCONCLUSIVE if any(claimed) else exit_codes.CLEAN


def _show[T](
    part: str,
    found: Sequence[T],
    line: Callable[[T], str],
    what: str,
    where: str | None,
    *,
    json: bool,
) -> None:
    """Rows as JSON or as lines, and that there are none."""
    from addons.fleet.listing import FleetRecord

    for one in found:
        if json:
            given.print_json(FleetRecord("tlsight.fleet/1", **{part: one}))  # type: ignore[arg-type]
        else:
            given.say(line(one))
    _say_none(found, what, where)


def _finding(one: FindingLine) -> str:
    who = one.product or one.engine or one.issuer or one.subject
    from addons.fleet.query_rows import more_hosts

    state = f"closed {one.closed}" if one.closed else "sanctioned" if one.sanctioned else "OPEN"
    if one.proof in _UNPROVED and not one.closed:
        state = _UNPROVED[one.proof]
    beyond = more_hosts(one.host_count)
    more = f" and {beyond} more" if beyond else ""
    where = one.label or one.network[:12] or "-"
    host = one.hosts[0] if one.hosts else one.subject
    return f"{state}  {one.kind}  {host}{more}  by {who}  {one.name or one.device[:12]}  at {where}  since {one.opened}  event {one.event[:12]}"


def _group(one: GroupLine) -> str:
    what = one.label or one.value or "unknown"
    return f"{one.agents:6} agents  {one.findings:6} findings  {one.sanctioned:6} sanctioned  {one.claimed:6} claimed  {what}  {one.first} to {one.last}"


def _agent(one: AgentLine) -> str:
    from addons.fleet.mood import MOODS

    name = one.name or one.device[:12]
    if not one.last:
        return f"{name}  never heard  enrolled {one.enrolled[:19]}Z  {one.device}"
    if one.mood:
        why = next((text for mood, text in MOODS.items() if mood == one.mood), one.mood)
        return f"{name}  cannot look: {why}  last heard {one.last}  at {one.label or one.network[:12] or '-'}"
    return f"{one.name or one.device[:12]}  last heard {one.last}  due {one.due}  at {one.label or one.network[:12] or '-'}"


def _correlation(one: CorrelationLine) -> str:
    state = f"closed {one.closed}" if one.closed else "HOLDS"
    events = " ".join(event[:12] for event in one.events[:3])
    where = f"  network {one.network[:12]}" if one.network else ""
    return f"{state}  {one.kind}  {one.headline}{where}  since {one.opened}{'  events ' if events else ''}{events}"


def _network(one: NetworkLine) -> str:
    return f"{one.id}  {one.agents:6} agents  {one.findings:6} findings  {one.label or '-'}  {one.first} to {one.last}"
