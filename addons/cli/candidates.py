"""`tlsight bypass`: what was learned, and what a person decides about it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from addons.cli.running import tell_readers
from detector.cli import exit_codes
from detector.cli.numbers import finite
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json
from detector.errors import ConfigError

if TYPE_CHECKING:
    from addons.bypass.learning import Candidate

Clients = Annotated[int, Option(min=1, help="Trusting clients that must refuse.")]
Weight = Annotated[float, Option(min=0.25, callback=finite, help="Of their refusals together.")]
HalfLife = Annotated[
    float,
    Option(min=0.01, max=given.MOST_DAYS, callback=finite, help="Days until evidence halves."),
]
Devices = Annotated[
    str, Option(help="Networks of one address a device, between commas, as bypass_devices.")
]


def candidates(
    every: Annotated[bool, Option("--all", "-a", help="Decided ones too.")] = False,
    why: Annotated[
        str | None,
        Option(metavar="HOST", help="Say why this host is one, or none, with the numbers."),
    ] = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """List hosts that could be let through: why, and how narrowly."""
    from addons.bypass.coverage import foretold
    from addons.bypass.matcher import Matcher
    from addons.bypass.rule import rule_of
    from addons.bypass.scope import scopes

    if why is not None:
        return _why(why, store, json=json)
    with given.read_store(store) as opened:
        known = opened.candidates()
        seen, leaves = opened.traffic.hosts(), opened.leaves.all()
        rules = Matcher((one.rule for one in opened.rules()), opened.feeds.rules())
        tell_readers(opened)
    shown = known if every else [one for one in known if one.state == "pending"]
    for one in shown:
        found = scopes(one.candidate, [k.candidate for k in known if k.state == "pending"], seen)
        if json:
            proposed = [{"pattern": s.pattern, "besides": s.besides} for s in found]
            given.print_json({"candidate": one.candidate, "state": one.state, "scopes": proposed})
            continue
        given.say(
            f"{one.state:9} {one.candidate.host:36} {one.candidate.kind}: {one.candidate.text}"
            f" {_proof(one.candidate)}"
        )
        for scope in found:
            besides = f"also exempts {', '.join(scope.besides[:5])}" if scope.besides else ""
            given.say(f"          {scope.pattern:36} {besides}".rstrip())
        hidden = foretold(rule_of(found[0].row), rules, leaves, seen, given.now())
        if hidden:
            given.say(f"          {hidden}")
    if not shown and not json:
        given.say("no candidates")
    return exit_codes.CLEAN


def _why(host: str, store: Path | None, *, json: bool) -> int:
    from addons.bypass.learning import replayed
    from addons.bypass.weighing import LearningOptions
    from detector.model.targets import normal_host

    host = normal_host(host)
    with given.read_store(store) as opened:
        _, learner, last = replayed(opened.traffic.attempts(), LearningOptions(), None)
        decided = opened.candidate(host)
    from detector import clock

    found = learner.why(host, last or clock.now())
    if json:
        state = None if decided is None else decided.state
        given.print_json({"why": found, "state": state})
        return exit_codes.CLEAN
    what = "a candidate" if found.candidate else "no candidate"
    given.say(f"{host} is {what} by the attempts that are kept")
    if decided is not None:
        given.say(f"  decided    {decided.state}: {decided.candidate.text}")
    for client, weight in found.counted.items():
        given.say(f"  counts     {client:30} weight {weight:g}")
    for one in found.missing:
        given.say(f"  {one.reason:20} {one.text}")
        for client in one.clients:
            given.say(f"  {'':20}   {client}")
    if not (found.candidate or found.missing):
        given.say("  nothing failed there")
    return exit_codes.CLEAN


def _proof(candidate: Candidate) -> str:
    if candidate.proven:
        return f"({candidate.proven} proven)"
    return "(addresses alone, which one device can have many of)" if candidate.clients else ""


def approve(
    host: str,
    reason: Annotated[str, Option(help="Why.")],
    owner: Annotated[str, Option(help="Who answers for it.")],
    expires: given.Expires,
    pattern: Annotated[
        str | None, Option(help="A wider rule, e.g. .bank.example; the host and port alone.")
    ] = None,
    ticket: Annotated[str, Option(help="Where it was decided.")] = "",
    force: given.Force = False,
    store: given.Store = None,
) -> int:
    """Let a candidate's host through from now on."""
    import msgspec

    from addons.bypass.pattern import end, row_of
    from addons.bypass.scope import narrowest
    from addons.store.bypass_store import normal_rule

    with given.open_store(store) as opened:
        found = opened.known(host)
        row = narrowest(found.candidate)
        if pattern is not None:
            row = row_of(pattern, port=row.port)
        row = msgspec.structs.replace(
            row, reason=reason, owner=owner, ticket=ticket, expires=end(expires, given.now())
        )
        given.defend(normal_rule(row)[0], force=force)
        rule = opened.approve(host, row)
        given.warn(rule, opened)
        tell_readers(opened)
    given.say(f"pass {rule.pattern}")
    return exit_codes.CLEAN


def reject(host: str, reason: given.Why = "", store: given.Store = None) -> int:
    """Keep inspecting a candidate's host, and do not ask again."""
    with given.open_store(store) as opened:
        opened.reject(host, reason)
    given.say(f"rejected {host}")
    return exit_codes.CLEAN


def snooze(
    host: str,
    days: Annotated[
        int, Option(min=1, max=given.MOST_DAYS, help="Ask again after so many days.")
    ] = 7,
    store: given.Store = None,
) -> int:
    """Decide later."""
    from detector import clock

    with given.open_store(store) as opened:
        opened.snooze(host, clock.now() + timedelta(days=days))
    given.say(f"snoozed {host} for {days} days")
    return exit_codes.CLEAN


def attempts(
    host: Annotated[str | None, Argument(help="Of this host alone.")] = None,
    store: given.Store = None,
) -> int:
    """Print the recorded attempts, one JSON object a line."""
    with given.read_store(store) as opened:
        for attempt in opened.traffic.attempts(host):
            given.print_json(attempt)
    return exit_codes.CLEAN


def replay(
    file: Annotated[
        Path | None, Argument(help="What bypass attempts printed; the store when left out.")
    ] = None,
    clients: Clients = 2,
    weight: Weight = 3.0,
    half_life: HalfLife = 7.0,
    devices: Devices = "",
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Say what the recorded attempts amount to, under these thresholds, and which of them count for nothing."""
    from addons.bypass.clients import networks
    from addons.bypass.learning import replay as replayed
    from addons.bypass.reasons import REASONS
    from addons.bypass.weighing import LearningOptions
    from addons.store.attempt_file import read_attempts

    try:
        declared = networks(devices)
    except ValueError as error:
        raise ConfigError("--devices", str(error)) from None
    options = LearningOptions(
        clients=clients, weight=weight, half_life=timedelta(days=half_life), devices=declared
    )
    if file is not None:
        found = replayed(read_attempts(file), options, None)
    else:
        with given.read_store(store) as opened:
            found = replayed(opened.traffic.attempts(), options, None)
    if json:
        given.print_json(found)
        return exit_codes.CLEAN
    for one in found.candidates:
        tried = "; auto would try it" if one.may_try else ""
        given.say(
            f"candidate  {one.host:36} {one.kind:20} weight {one.weight:g}: {one.text}"
            f" {_proof(one)}{tried}"
        )
    for client in found.lacking:
        hosts = ", ".join(client.hosts[:4])
        what = "probes, or lacks the proxy's CA" if client.silent else "lacks the proxy's CA"
        given.say(f"client     {client.client:36} {what}: it refuses {hosts}")
    for host in found.invalid:
        given.say(f"broken     {host:36} its own certificate does not verify; never let it through")
    if not (found.candidates or found.lacking or found.invalid):
        given.say("nothing stands out")
    for reason, count in sorted(found.totals.items(), key=lambda one: -one[1]):
        given.say(f"left out   {count} attempts: {REASONS[reason]}")
        for left in [one for one in found.uncounted if one.reason == reason][:5]:
            given.say(
                f"           {left.attempts:6} {left.host:36} by {', '.join(left.clients[:3])}"
            )
    return exit_codes.CLEAN


def stats(
    days: Annotated[int, Option(min=1, max=given.MOST_DAYS, help="Of the last so many days.")] = 30,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Say how much of the traffic is not inspected, by day, and what the attempts were."""
    from addons.bypass.attempt import REMEDIES

    since = (given.today() - timedelta(days=days)).isoformat()
    with given.read_store(store) as opened:
        found, totals = opened.traffic.days(since), opened.traffic.totals()
    if json:
        given.print_json({"days": found, "classes": totals})
        return exit_codes.CLEAN
    given.say("day         passed  inspected  share  bytes passed")
    for day in found:
        share = day.passed / max(day.passed + day.inspected, 1)
        given.say(
            f"{day.day}  {day.passed:6}  {day.inspected:9}  {share:5.1%}  {day.bytes_passed:12,}"
        )
    for kind, count in totals.items():
        given.say(f"{count:8} {kind:30} {REMEDIES[kind]}")
    return exit_codes.CLEAN


def register(app: Verbs) -> None:
    for verb in (candidates, approve, reject, snooze, attempts, replay, stats):
        app.command(verb.__name__)(verb)
