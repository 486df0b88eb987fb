"""`tlsight bypass`: which hosts an intercepting mitmproxy lets through, and why. Here its rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from addons.cli import audit, candidates, exchange, given, review, unbound
from detector.cli import exit_codes
from detector.cli.output import Json

_TEXT = """
Which hosts an intercepting mitmproxy lets through undecrypted, and why.

  tlsight bypass run --mode regular@8080 --set bypass_mode=suggest
  tlsight bypass candidates
  tlsight bypass approve bank.example --reason "pinned app" --owner network --expires 90d
  tlsight bypass explain www.bank.example
  tlsight bypass serve
"""
app = typer.Typer(no_args_is_help=True, help=_TEXT, rich_markup_mode="rich")


@app.command("script")
def script() -> int:
    """Print the path of the addon, for mitmdump -s."""
    from addons.scripts import bypass_script

    print(bypass_script())
    return exit_codes.CLEAN


@app.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context, rules: given.Rules = None, store: given.Store = None) -> int:
    """Start mitmdump with the addon loaded; further words go to mitmdump.

    Its --set, and mitmproxy's config.yaml, count before the usual rules and store.
    """
    import os
    import shutil

    from addons.scripts import bypass_script
    from addons.store.bypass_store import RULES_VARIABLE, STORE_VARIABLE
    from detector.errors import ConfigError

    beside = Path(sys.executable).with_name("mitmdump")
    program = str(beside) if beside.exists() else shutil.which("mitmdump")
    if program is None:
        raise ConfigError("bypass run", "no mitmdump", remedy="pip install 'tlsight[proxy]'")
    words = [program, "-s", str(bypass_script())]
    environment = dict(os.environ)
    for parameter, path, option, variable in (
        ("store", given.store_path(store), "bypass_store", STORE_VARIABLE),
        ("rules", given.rules_path(rules), "bypass_rules", RULES_VARIABLE),
    ):
        if path is None:
            continue
        source = context.get_parameter_source(parameter)
        if source is not None and source.name == "COMMANDLINE":
            words += ["--set", f"{option}={path}"]
        else:  # mitmproxy takes an option once: what is only usual must not be set
            environment[variable] = str(path)
    # mitmdump takes this process's place
    os.execve(program, [*words, *context.args], environment)  # noqa: S606


@app.command("list")
def list_(rules: given.Rules = None, store: given.Store = None, json: Json = False) -> int:
    """List the rules in force, how often each was used, and what passed by it."""
    found = given.rules_in_force(rules, store)
    with given.read_store(store) as opened:
        uses = opened.traffic.uses()
    for rule in found:
        use = uses.get(rule.pattern)
        count, size = (use.connections, use.up + use.down) if use else (0, 0)
        if json:
            given.print_json({**given.record(rule), "connections": count, "bytes": size})
        else:
            until = f"until {rule.expires}" if rule.expires else "without end"
            used = f"{count} used, {size:,} bytes"
            given.say(
                f"{rule.action:8} {rule.pattern:40} {until:18} {used:28} {rule.owner}: {rule.reason}"
            )
    return exit_codes.CLEAN


@app.command("add")
def add(
    pattern: Annotated[
        str, typer.Argument(help="host, .suffix, *.one-label, CIDR, /regex/, or * for any host.")
    ],
    reason: Annotated[str, typer.Option(help="Why.")],
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    expires: Annotated[str, typer.Option(help="Last day: 2027-06-30, or 90d from today.")],
    action: Annotated[str, typer.Option(help="pass, inspect or block.")] = "pass",
    port: Annotated[int | None, typer.Option(help="Only this port.")] = None,
    client: Annotated[str | None, typer.Option(help="Only clients of this network.")] = None,
    ja4: Annotated[str | None, typer.Option(help="Only ClientHellos with this JA4.")] = None,
    ticket: Annotated[str | None, typer.Option(help="Where it was decided.")] = None,
    store: given.Store = None,
) -> int:
    """Add a rule; a running proxy takes it up within a second."""
    from addons.bypass.pattern import day, row_of

    today = given.today()
    row = row_of(
        pattern, reason=reason, owner=owner, expires=day(expires, today), created=today,
        action=action, port=port, client=client, ja4=ja4, ticket=ticket,
    )  # fmt: skip
    with given.open_store(store) as opened:
        rule = opened.add_rule(row)
        given.warn(rule, opened)
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
    host: str,
    port: given.Port = 443,
    client: given.Client = None,
    address: given.Address = None,
    rules: given.Rules = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Say what happens to a connection, which rules were considered, and whom they exempt besides."""
    from addons.bypass.lint import exempted
    from addons.bypass.matcher import Matcher

    matcher = Matcher(given.rules_in_force(rules, store))
    connection = given.connection(host, port, client, address)
    rule = matcher.match(connection, given.today())
    action = rule.action if rule is not None else "inspect"
    considered = list(matcher.considered(connection, given.today()))
    besides: list[str] = []
    if rule is not None:
        with given.read_store(store) as opened:
            seen = opened.traffic.hosts()
        besides = [name for name in exempted(rule, seen) if name != connection.sni]
    if json:
        told = [{**given.record(one), "why": why} for one, why in considered]
        given.print_json({"host": host, "action": action, "considered": told, "besides": besides})
        return exit_codes.CLEAN
    given.say(f"{host}:{port}  {action}" + ("" if rule else ": no rule says otherwise"))
    for one, why in considered:
        given.say(
            f"  {one.action:8} {one.pattern:40} {why}" + (f"; {one.reason}" if one.reason else "")
        )
    if rule is not None and besides:
        shown = ", ".join(besides[:8]) + (f" and {len(besides) - 8} more" if besides[8:] else "")
        given.say(f"  of the traffic seen {rule.pattern} also says {rule.action} to {shown}")
    return exit_codes.CLEAN


@app.command("test")
def expect_action(
    hosts: list[str],
    expect: Annotated[str, typer.Option(help="pass, inspect or block.")] = "pass",
    port: given.Port = 443,
    client: given.Client = None,
    rules: given.Rules = None,
    store: given.Store = None,
) -> int:
    """Exit with 0 when this happens to every host, else with 1."""
    from addons.bypass.matcher import Matcher

    matcher = Matcher(given.rules_in_force(rules, store))
    code = exit_codes.CLEAN
    for host in hosts:
        rule = matcher.match(given.connection(host, port, client, None), given.today())
        action = rule.action if rule is not None else "inspect"
        if action != expect:
            given.say(f"{host}: {action}, not {expect}")
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
    from addons.bypass.lint import Remark, lint

    listed = given.rules_in_force(rules, store)
    used: set[str] | None = None
    hidden: list[Remark] = []
    if given.store_path(store).exists():
        with given.read_store(store) as opened:
            used = set(opened.traffic.uses())
            hidden = given.hidden(listed, opened)
    found = lint(listed, given.today(), used) + hidden
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


for module in (candidates, unbound, exchange, review, audit):
    module.register(app)
