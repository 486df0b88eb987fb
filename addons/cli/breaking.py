"""`tlsight bypass`: who breaks now, what passes now, and what passed most."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.options import Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from datetime import datetime

    from addons.bypass.breaking import Breaking

_LONGEST = timedelta(hours=48)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
Clients = Annotated[int, Option(min=1, help="So many clients must fail.")]


def breaking(
    since: Annotated[
        str, Option(help="How far back a failure counts where nothing changed: 30m, 2h, 1d.")
    ] = "2h",
    clients: Clients = 2,
    rules: given.Rules = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """List hosts at which clients fail that did not before, since what, and who must act; exit with 1 where there are any."""
    from addons.store.watch import judged

    recent, listed, now = _length(since), given.rules_in_force(rules, store), given.now()
    with given.read_store(store) as opened:
        found = judged(opened, listed, now, recent, clients)
        told = {host: one.id for one in opened.episodes.opened() for host in one.hosts}
        waiting = opened.episodes.waiting()
    for one in found:
        if json:
            given.print_json({"episode": told.get(one.host), "breaking": one})
        else:
            _show(one)
    if not json:
        if not found:
            given.say("nothing breaks that did not before")
        if waiting:
            given.tell(f"{waiting} messages wait for the webhook to take them")
    return exit_codes.FOUND if found else exit_codes.CLEAN


def open_(store: given.Store = None, json: Json = False) -> int:
    """List the connections that pass now, over all proxies that are alive: the largest of each."""
    from detector import clock

    with given.read_store(store) as opened:
        alive = opened.proxies.alive(clock.now())
    for proxy in alive:
        for one in proxy.passing.largest:
            if json:
                given.print_json({"proxy": {"host": proxy.host, "pid": proxy.pid}, "passing": one})
            else:
                given.say(
                    f"{one.host:36} {one.client:20} {one.up:12,} up {one.down:14,} down"
                    f"  since {_at(one.since)}  by {one.rule}"
                )
        more = proxy.passing.count - len(proxy.passing.largest)
        if more > 0 and not json:
            given.say(f"and {more} more by pid {proxy.pid} on {proxy.host}")
    if not json and not any(proxy.passing.count for proxy in alive):
        given.say("nothing passes now" if alive else "no proxy reads this store")
    return exit_codes.CLEAN


def top(
    days: Annotated[int, Option(min=1, max=400, help="Of the last so many days.")] = 30,
    limit: Annotated[int, Option(min=1, max=1000, help="So many hosts.")] = 20,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """List the hosts of the most bytes that passed undecrypted, and by which rules."""
    since = (given.today() - timedelta(days=days - 1)).isoformat()
    with given.read_store(store) as opened:
        found = opened.traffic.top(since, limit)
    for one in found:
        if json:
            given.print_json(one)
        else:
            given.say(
                f"{one.up + one.down:16,} bytes {one.connections:8} times  {one.host or '(others)':36}"
                f" last {_at(one.last)}  by {', '.join(one.rules[:3])}"
            )
    if not json and not found:
        given.say("nothing passed")
    return exit_codes.CLEAN


def _show(one: Breaking) -> None:
    given.say(f"{one.host}  since {_at(one.since)}  {one.changed} {one.subject[:64]}".rstrip())
    proven = f", {one.proven} of them proven" if one.proven else ""
    given.say(f"  {one.text}")
    given.say(
        f"  before {_share(one.before.failed, one.before.tried)}, now {_share(one.after.failed, one.after.tried)};"
        f" {one.count} clients{proven}: {', '.join(one.clients[:5])}"
    )
    if one.passed:
        given.say(f"  before that {one.passed} connections passed")
    given.say(f"  {one.party}: {one.remedy}")


def _share(failed: int, tried: int) -> str:
    return f"{failed} of {tried} failed" if tried else "nobody was inspected there"


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _length(text: str) -> timedelta:
    """30m, 2h or 1d. Raises ConfigError."""
    from detector.errors import ConfigError

    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isdecimal() and number.isascii() and len(number) < 6:
        found = timedelta(**{_UNITS[unit]: int(number)})
        if timedelta() < found <= _LONGEST:
            return found
    raise ConfigError("--since", f"{text!r} is no length of time up to 48h, like 30m, 2h or 1d")


def register(app: Verbs) -> None:
    app.command("breaking")(breaking)
    app.command("open")(open_)
    app.command("top")(top)
