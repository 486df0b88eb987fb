"""`tlsight bypass`: which hosts an intercepting mitmproxy lets through, and why. Here its rules."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from addons.cli import (
    audit,
    backup,
    breaking,
    candidates,
    exchange,
    feed_text,
    feeds,
    given,
    importing,
    life,
    people,
    proving,
    rechecking,
    report,
    review,
    running,
    service,
    sync,
    unbound,
    undoing,
)
from detector.cli import exit_codes
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.cli.rule_list import Listed

_TEXT = """
Which hosts an intercepting mitmproxy lets through undecrypted, and why.

  tlsight bypass run --mode regular@8080 --set bypass_mode=suggest
  tlsight bypass candidates
  tlsight bypass approve bank.example --reason "pinned app" --owner network --expires 90d
  tlsight bypass explain www.bank.example
  tlsight bypass prove --all --proxy http://127.0.0.1:8080
  tlsight bypass serve
"""
app = Verbs(no_args_is_help=True, help=_TEXT)


@app.command("list")
def list_(rules: given.Rules = None, store: given.Store = None, json: Json = False) -> int:
    """List the rules, how often each was used, and what passed by it."""
    from addons.bypass.due import life as life_of
    from addons.bypass.due import until_in_words
    from addons.bypass.lint import not_in_force
    from addons.bypass.matcher import Matcher
    from addons.cli.rule_list import Listed

    rows: list[Listed] = []
    with given.read_store(store) as opened:
        found = life.kept_rules(rules, opened)
        uses = opened.traffic.uses()
        proxies = running.tell_readers(opened)
        lists = opened.feeds.all()
    unsaid = {id(rule): why for rule, why in Matcher(one.rule for one in found).unsaid}
    now = given.now()
    for stored in found:
        rule, lived = stored.rule, life_of(stored, now)
        use = uses.get(rule.pattern)
        count, size = (use.connections, use.up + use.down) if use else (0, 0)
        idle = unsaid.get(id(rule))
        if json:
            told: dict[str, object] = {
                "connections": count, "bytes": size, "stage": lived.stage, "ends": lived.ends, "days": lived.days,
            }  # fmt: skip
            given.print_json(
                {**given.record(rule), **told, "not_in_force": idle, "proxies": proxies}
            )
            continue
        bind = f" (bind {rule.bind})" if rule.bind is not None else ""
        rows.append(Listed(
            rule.action, rule.pattern, until_in_words(stored, lived), count, size,
            f"{rule.owner}: {rule.reason}{bind}", not_in_force(rule, idle) if idle is not None else "",
        ))  # fmt: skip
    if not json:
        feeds = [
            f"beneath  feed {name}: {feed_text.state(one, now)}" for name, one in lists.items()
        ]
        _print_rules(rows, feeds)
    return exit_codes.CLEAN


def _print_rules(rows: list[Listed], feeds: list[str]) -> None:
    from addons.bypass.shown import shown
    from addons.cli.rule_list import lines, table

    if not sys.stdout.isatty():
        for line in (*lines(rows), *feeds):
            given.say(line)
        return
    from rich.text import Text

    from detector.report.check_text import stdout_console

    console = stdout_console()
    if rows:
        console.print(table(rows))
    for feed in feeds:
        console.print(Text(shown(feed)))


@app.command("add")
def add(
    pattern: Annotated[
        str,
        Argument(
            help="host, .suffix, *.one-label, CIDR, /regex/, or * for any host; a :port may follow."
        ),
    ],
    reason: Annotated[str, Option(help="Why.")],
    owner: Annotated[str, Option(help="Who answers for it.")],
    expires: given.Expires,
    action: Annotated[str, Option(help="pass, inspect or block.")] = "pass",
    port: Annotated[int | None, Option(help="Only this port.")] = None,
    client: Annotated[str | None, Option(help="Only clients of this network.")] = None,
    ja4: Annotated[str | None, Option(help="Only ClientHellos with this JA4.")] = None,
    ticket: Annotated[str | None, Option(help="Where it was decided.")] = None,
    bind: Annotated[
        str | None,
        Option(help="What a name must prove: resolve, certificate, or none; bypass_verify."),
    ] = None,
    force: given.Force = False,
    store: given.Store = None,
) -> int:
    """Add a rule; a running proxy takes it up within a second."""
    from addons.bypass.pattern import end, row_of
    from addons.store.bypass_store import normal_rule

    row = row_of(
        pattern, reason=reason, owner=owner, expires=end(expires, given.now()), created=given.today(),
        action=action, port=port, client=client, ja4=ja4, ticket=ticket, bind=bind,
    )  # fmt: skip
    given.defend(normal_rule(row)[0], force=force)
    with given.open_store(store) as opened:
        rule = opened.add_rule(row)
        given.warn(rule, opened)
        running.tell_readers(opened)
    given.say(f"{rule.action} {rule.pattern}")
    return exit_codes.CLEAN


@app.command("remove")
def remove(
    pattern: Annotated[str, Argument(help="As bypass list shows it.")],
    reason: given.Why = "",
    store: given.Store = None,
) -> int:
    """Take a rule away."""
    with given.open_store(store) as opened:
        given.say(f"removed {opened.remove_rule(pattern, reason).pattern}")
    return exit_codes.CLEAN


@app.command("expire")
def expire(
    pattern: Annotated[str, Argument(help="As bypass list shows it.")],
    reason: given.Why = "",
    store: given.Store = None,
) -> int:
    """End a rule now; it stays in the list, and its hosts are inspected."""
    with given.open_store(store) as opened:
        given.say(f"expired {opened.expire_rule(pattern, reason).pattern}")
    return exit_codes.CLEAN


@app.command("explain")
def explain(
    host: Annotated[str, Argument(help="A name or an address; a :port may follow.")],
    port: given.Port = None,
    client: given.Client = None,
    address: given.Address = None,
    rules: given.Rules = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Say what happens to a connection, which rules were considered, and whom they exempt besides."""
    from addons.bypass.lint import exempted
    from addons.bypass.pattern import arrival

    connection = arrival(host, port, client, address)
    layers = given.layers(rules, store)
    found = given.decided(layers.matcher(), connection)
    rule = found.rule
    besides: list[str] = []
    own: list[str] = []
    with given.read_store(store) as opened:
        if rule is not None:
            seen = opened.traffic.hosts()
            besides = [name for name in exempted(rule, seen) if name != connection.host]
        if found.action == "inspect":
            own = running.proxies_own(
                opened, [host, *([address] if address else [])], connection.port
            )
    if json:
        told = [
            {**given.record(one), "why": why, "feed": layers.feed_of(one)}
            for one, why in found.considered
        ]
        given.print_json(
            {
                "host": host,
                "action": found.action,
                "considered": told,
                "besides": besides,
                "proxies": own,
            }
        )
        return exit_codes.CLEAN
    name = f"[{connection.host}]" if ":" in (connection.host or "") else connection.host
    given.say(
        f"{name}:{connection.port}  {found.action}" + ("" if rule else ": no rule says otherwise")
    )
    for line in own:
        given.say(f"  {line}")
    for one, why in found.considered:
        bind = f"; bind {one.bind}" if one.bind is not None else ""
        reason = f"; {one.reason}" if one.reason else ""
        given.say(f"  {one.action:8} {one.pattern:40} {why}{bind}{reason}")
        if feed := layers.feed_of(one):
            given.say(f"           {feed}")
    if rule is not None and besides:
        shown = ", ".join(besides[:8]) + (f" and {len(besides) - 8} more" if besides[8:] else "")
        given.say(f"  of the traffic seen {rule.pattern} also says {rule.action} to {shown}")
    return exit_codes.CLEAN


@app.command("test")
def expect_action(
    hosts: Annotated[list[str], Argument(help="Names or addresses; a :port may follow.")],
    expect: Annotated[str, Option(help="pass, inspect or block.")] = "pass",
    port: given.Port = None,
    client: given.Client = None,
    address: given.Address = None,
    rules: given.Rules = None,
    store: given.Store = None,
) -> int:
    """Exit with 0 when this happens to every host, else with 1."""
    from addons.bypass.pattern import arrival

    matcher = given.layers(rules, store).matcher()
    code = exit_codes.CLEAN
    for host in hosts:
        found = given.decided(matcher, arrival(host, port, client, address))
        if found.action != expect:
            given.say(f"{host}: {found.action}, not {expect}")
            code = exit_codes.FOUND
    return code


@app.command("lint")
def lint_(
    rules: given.Rules = None,
    store: given.Store = None,
    strict: Annotated[bool, Option("--strict", help="Warnings count too.")] = False,
    json: Json = False,
) -> int:
    """Say what stands out: too wide, idle, expired, never used, contradicting, hard to defend."""
    from addons.bypass.feed import remarks
    from addons.bypass.guarded import guarded
    from addons.bypass.lint import lint

    listed = given.rules_in_force(rules, store)
    used: set[str] | None = None
    hidden, lists = [], {}
    if given.store_path(store).exists():
        with given.read_store(store) as opened:
            used = set(opened.traffic.uses())
            hidden = given.hidden(listed, opened)
            lists = opened.feeds.all()
    found = lint(listed, given.now(), used, guarded()) + hidden
    for finding in found:
        if json:
            given.print_json(
                {
                    "rule": finding.rule.pattern, "id": finding.id, "severity": finding.severity,
                    "text": finding.text,
                }
            )  # fmt: skip
        else:
            given.say(
                f"{finding.severity:8} {finding.rule.pattern:36} {finding.text} ({finding.id})"
            )
    doubts = list(remarks(lists, given.now()))
    for name, identity, text in doubts:
        if json:
            given.print_json(
                {"rule": f"feed {name}", "id": identity, "severity": "warning", "text": text}
            )
        else:
            given.say(f"{'warning':8} {f'feed {name}':36} {text} ({identity})")
    counted = [f for f in found if strict or f.severity == "error"] + (doubts if strict else [])
    return exit_codes.FOUND if counted else exit_codes.CLEAN


for module in (
    running,
    candidates,
    unbound,
    importing,
    exchange,
    feeds,
    undoing,
    life,
    rechecking,
    report,
    review,
    proving,
    audit,
    people,
    backup,
    service,
    breaking,
    sync,
):
    module.register(app)
