"""`tlsight bypass`: which hosts an intercepting mitmproxy lets through, and why. Here its rules."""

from __future__ import annotations

from typing import Annotated

import typer

from addons.cli import (
    audit,
    candidates,
    exchange,
    given,
    importing,
    proving,
    review,
    running,
    unbound,
    undoing,
)
from detector.cli import exit_codes
from detector.cli.output import Json

_TEXT = """
Which hosts an intercepting mitmproxy lets through undecrypted, and why.

  tlsight bypass run --mode regular@8080 --set bypass_mode=suggest
  tlsight bypass candidates
  tlsight bypass approve bank.example --reason "pinned app" --owner network --expires 90d
  tlsight bypass explain www.bank.example
  tlsight bypass prove --list --proxy http://127.0.0.1:8080
  tlsight bypass serve
"""
app = typer.Typer(no_args_is_help=True, help=_TEXT, rich_markup_mode="rich")


@app.command("list")
def list_(rules: given.Rules = None, store: given.Store = None, json: Json = False) -> int:
    """List the rules, how often each was used, and what passed by it."""
    from addons.bypass.lint import not_in_force
    from addons.bypass.matcher import Matcher
    from addons.bypass.reach import has_ended

    found = given.rules_in_force(rules, store)
    with given.read_store(store) as opened:
        uses = opened.traffic.uses()
        proxies = running.tell_readers(opened)
    unsaid = {id(rule): why for rule, why in Matcher(found).unsaid}
    now = given.now()
    for rule in found:
        use = uses.get(rule.pattern)
        count, size = (use.connections, use.up + use.down) if use else (0, 0)
        idle = unsaid.get(id(rule))
        if json:
            told: dict[str, object] = {"connections": count, "bytes": size}
            given.print_json(
                {**given.record(rule), **told, "not_in_force": idle, "proxies": proxies}
            )
            continue
        until = f"{'ended' if has_ended(rule, now) else 'until'} {rule.until}"
        used = f"{count} used, {size:,} bytes"
        bind = f" (bind {rule.bind})" if rule.bind is not None else ""
        given.say(
            f"{rule.action:8} {rule.pattern:40} {until if rule.expires else 'without end':18}"
            f" {used:28} {rule.owner}: {rule.reason}{bind}"
        )
        if idle is not None:
            given.say(f"         {not_in_force(rule, idle)}")
    return exit_codes.CLEAN


@app.command("add")
def add(
    pattern: Annotated[
        str,
        typer.Argument(
            help="host, .suffix, *.one-label, CIDR, /regex/, or * for any host; a :port may follow."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why.")],
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    expires: given.Expires,
    action: Annotated[str, typer.Option(help="pass, inspect or block.")] = "pass",
    port: Annotated[int | None, typer.Option(help="Only this port.")] = None,
    client: Annotated[str | None, typer.Option(help="Only clients of this network.")] = None,
    ja4: Annotated[str | None, typer.Option(help="Only ClientHellos with this JA4.")] = None,
    ticket: Annotated[str | None, typer.Option(help="Where it was decided.")] = None,
    bind: Annotated[
        str | None,
        typer.Option(help="What a name must prove: resolve, certificate, or none; bypass_verify."),
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
    pattern: Annotated[str, typer.Argument(help="As bypass list shows it.")],
    reason: given.Why = "",
    store: given.Store = None,
) -> int:
    """Take a rule away."""
    with given.open_store(store) as opened:
        given.say(f"removed {opened.remove_rule(pattern, reason).pattern}")
    return exit_codes.CLEAN


@app.command("expire")
def expire(
    pattern: Annotated[str, typer.Argument(help="As bypass list shows it.")],
    reason: given.Why = "",
    store: given.Store = None,
) -> int:
    """End a rule now; it stays in the list, and its hosts are inspected."""
    with given.open_store(store) as opened:
        given.say(f"expired {opened.expire_rule(pattern, reason).pattern}")
    return exit_codes.CLEAN


@app.command("explain")
def explain(
    host: Annotated[str, typer.Argument(help="A name or an address; a :port may follow.")],
    port: given.Port = None,
    client: given.Client = None,
    address: given.Address = None,
    rules: given.Rules = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Say what happens to a connection, which rules were considered, and whom they exempt besides."""
    from addons.bypass.lint import exempted
    from addons.bypass.matcher import Matcher
    from addons.bypass.pattern import arrival

    connection = arrival(host, port, client, address)
    found = given.decided(Matcher(given.rules_in_force(rules, store)), connection)
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
        told = [{**given.record(one), "why": why} for one, why in found.considered]
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
    if rule is not None and besides:
        shown = ", ".join(besides[:8]) + (f" and {len(besides) - 8} more" if besides[8:] else "")
        given.say(f"  of the traffic seen {rule.pattern} also says {rule.action} to {shown}")
    return exit_codes.CLEAN


@app.command("test")
def expect_action(
    hosts: Annotated[list[str], typer.Argument(help="Names or addresses; a :port may follow.")],
    expect: Annotated[str, typer.Option(help="pass, inspect or block.")] = "pass",
    port: given.Port = None,
    client: given.Client = None,
    address: given.Address = None,
    rules: given.Rules = None,
    store: given.Store = None,
) -> int:
    """Exit with 0 when this happens to every host, else with 1."""
    from addons.bypass.matcher import Matcher
    from addons.bypass.pattern import arrival

    matcher = Matcher(given.rules_in_force(rules, store))
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
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count too.")] = False,
    json: Json = False,
) -> int:
    """Say what stands out: too wide, idle, expired, never used, contradicting, hard to defend."""
    from addons.bypass.guarded import guarded
    from addons.bypass.lint import lint

    listed = given.rules_in_force(rules, store)
    used: set[str] | None = None
    hidden = []
    if given.store_path(store).exists():
        with given.read_store(store) as opened:
            used = set(opened.traffic.uses())
            hidden = given.hidden(listed, opened)
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
    counted = [f for f in found if strict or f.severity == "error"]
    return exit_codes.FOUND if counted else exit_codes.CLEAN


for module in (running, candidates, unbound, importing, exchange, undoing, review, proving, audit):
    module.register(app)
