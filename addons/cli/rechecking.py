"""`tlsight bypass recheck`: are the rules still needed? What is asked, and of whom.

Output
------
With --json an object a line, schema tlsight.bypass-recheck/1 (`addons.bypass.rechecking.Rechecked`):

    schema, pattern, at              the rule, and when it was looked at
    state                            needed, no-longer-needed, now-breaks, cannot-tell, ended
    reason                           which row of the table decided, e.g. used, unused, mended, gone, ineffective
    since                            when it was first found in this state
    text, evidence                   a sentence; what was seen, a line each
    use, inspected, servers, probes  the same as values

Fields may be added; names and meaning stay. Exit codes: 1 a rule is no longer needed, breaks or has ended, 3 of one
nothing can be told, 0 all are needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.numbers import finite
from detector.cli.options import Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from addons.bypass.proof import Proof
    from addons.bypass.rechecking import Rechecked, State
    from addons.store.bypass_store import BypassStore
    from detector.model.observation import Target
    from detector.net.probe import ProbeOptions

_Place = tuple[str, int]
_CODES: dict[State, int] = {
    "needed": exit_codes.CLEAN,
    "cannot-tell": exit_codes.INCONCLUSIVE,
    "no-longer-needed": exit_codes.FOUND,
    "now-breaks": exit_codes.FOUND,
    "ended": exit_codes.FOUND,
}


def recheck(
    proxy: Annotated[
        str | None,
        Option(
            help="The mitmproxy, e.g. http://127.0.0.1:8080: whether it lets the hosts through, too."
        ),
    ] = None,
    if_older: Annotated[
        str | None,
        Option(
            "--if-older", help="Only rules that nobody looked at for so long, as 7d: for a timer."
        ),
    ] = None,
    show: Annotated[
        bool, Option("--show", help="What was found last, without asking anybody.")
    ] = False,
    timeout: Annotated[
        float, Option(min=0.1, callback=finite, help="Seconds for each host.")
    ] = 10.0,
    evidence: Annotated[bool, Option("--evidence", help="What was seen, below each rule.")] = False,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Look at each rule again: needed, no longer needed, now breaks, cannot tell, ended.

    Exit codes: 0 all are needed, 1 one is not, breaks or has ended, 3 of one nothing can be told.
    """
    from addons.bypass.pattern import span

    age = span(if_older, "--if-older") if if_older is not None else None
    if show:
        with given.read_store(store) as opened:
            kept = opened.rechecks.all()
            here = [one.rule.pattern for one in opened.rules()]
            found = [kept[name] for name in here if name in kept]
    else:
        with given.open_store(store) as opened:
            found = rechecked(opened, proxy, timeout, given.now(), age)
    return _say(found, json=json, evidence=evidence)


def rechecked(
    store: BypassStore,
    proxy: str | None,
    timeout: float,
    now: datetime,
    age: timedelta | None = None,
) -> list[Rechecked]:
    """Answers for rules that pass, in their order, which the store keeps. Raises ConfigError, StoreError.

    Args:
        store: opened to decide.
        proxy: URL of the proxy that has the rules; without one nothing is asked through it.
        timeout: seconds for each host.
        now: the moment to judge ends by.
        age: leave out rules that were looked at within it.

    """
    from addons.store.rechecking import Round
    from addons.store.servers import servers_now
    from detector.net.probe import ProbeOptions
    from detector.net.routes import Routing, parse_proxy
    from detector.net.source import source_towards

    round_ = Round(store, now, age)
    proofs: list[Proof] = []
    passed: Mapping[_Place, int] = {}
    if proxy is not None:
        way = parse_proxy(proxy)
        targets = round_.through(source_towards(way.host, way.port))
        options = ProbeOptions(timeout=timeout, routing=Routing(way))
        proofs, passed = asyncio.run(_proofs(targets, options))
    servers = asyncio.run(servers_now(round_.past(), ProbeOptions(timeout=timeout)))
    by = way.route.proxy or "" if proxy is not None else "past the proxy"
    return round_.finish(servers, proofs, passed, by)


async def _proofs(
    targets: Iterable[Target], options: ProbeOptions
) -> tuple[list[Proof], Mapping[_Place, int]]:
    from addons.cli.both_ways import Asked, BothWays
    from detector.api import default_knowledge

    run = BothWays(default_knowledge(), options, canaries=True)
    return [one async for one in run.run(map(Asked, targets))], run.passed


def _say(found: Iterable[Rechecked], *, json: bool, evidence: bool) -> int:
    code = exit_codes.CLEAN
    for one in found:
        code = exit_codes.worst(code, _CODES[one.state])
        if json:
            given.print_json(one)
            continue
        since = f" (since {one.since.date()})" if one.since.date() != one.at.date() else ""
        given.say(f"{one.state:16} {one.pattern:40} {one.text}{since}")
        for line in one.evidence if evidence else ():
            given.say(f"{'':16}   {line}")
    return code


def register(app: Verbs) -> None:
    app.command("recheck")(recheck)
