"""`tlsight bypass`: which hosts an intercepting mitmproxy lets through, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli import exit_codes
from detector.cli import options as o
from detector.errors import ConfigError

if TYPE_CHECKING:
    from datetime import date

    from addons.bypass.matcher import Connection
    from addons.bypass.rule import Rule

_TEXT = """
Which hosts an intercepting mitmproxy lets through undecrypted, and why.

  tlsight bypass add bank.example --reason "pinned app" --owner network --expires 90d
  tlsight bypass explain www.bank.example
  tlsight bypass run --mode regular@8080
  mitmdump -s "$(tlsight bypass script)" --set bypass_rules=rules.toml
"""
app = typer.Typer(no_args_is_help=True, help=_TEXT, rich_markup_mode="rich")

_TARGETS = ("mitmproxy", "squid")
Rules = Annotated[
    Path | None,
    typer.Option(
        "--rules",
        help="TOML file of rules; tlsight/bypass.toml in the XDG config folder when left out.",
        envvar="TLSIGHT_BYPASS_RULES",
    ),
]
Port = Annotated[int, typer.Option(help="The server's port.")]
Client = Annotated[str | None, typer.Option(help="The client's address.")]
Address = Annotated[str | None, typer.Option(help="The server's address, for CIDR rules.")]


@app.command("script")
def script() -> int:
    """Print the path of the addon, for mitmdump -s."""
    from addons.scripts import bypass_script

    print(bypass_script())
    return exit_codes.CLEAN


@app.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context, rules: Rules = None) -> int:
    """Start mitmdump with the addon loaded; further words go to mitmdump."""
    import os
    import shutil

    from addons.scripts import bypass_script

    beside = Path(sys.executable).with_name("mitmdump")
    program = str(beside) if beside.exists() else shutil.which("mitmdump")
    if program is None:
        raise ConfigError("bypass run", "no mitmdump", remedy="pip install 'tlsight[proxy]'")
    words = [program, "-s", str(bypass_script()), "--set", f"bypass_rules={_path(rules)}"]
    os.execv(program, [*words, *context.args])  # noqa: S606 (mitmdump takes this process's place)


@app.command("list")
def list_(rules: Rules = None, json: o.Json = False) -> int:
    """List the rules."""
    for rule in _load(rules):
        if json:
            _print_json(_record(rule))
        else:
            until = f"until {rule.expires}" if rule.expires else "without end"
            print(f"{rule.action:8} {rule.pattern:40} {until:18} {rule.owner}: {rule.reason}")
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
    rules: Rules = None,
) -> int:
    """Add a rule to the file; a running proxy takes it up within a second."""
    from addons.bypass.lint import lint
    from addons.bypass.rule_file import add_rule, day, row_of

    today = _today()
    row = row_of(
        pattern, reason=reason, owner=owner, expires=day(expires, today), created=today,
        action=action, port=port, client=client, ja4=ja4, ticket=ticket,
    )  # fmt: skip
    rule = add_rule(_path(rules), row)
    print(f"{rule.action} {rule.pattern}")
    for finding in lint(_load(rules), today):
        if finding.rule == rule:
            print(f"tlsight: {finding.severity}: {finding.text} ({finding.id})", file=sys.stderr)
    return exit_codes.CLEAN


@app.command("remove")
def remove(
    pattern: Annotated[str, typer.Argument(help="As bypass list shows it.")], rules: Rules = None
) -> int:
    """Take a rule away."""
    from addons.bypass.rule_file import remove_rule

    print(f"removed {remove_rule(_path(rules), pattern).pattern}")
    return exit_codes.CLEAN


@app.command("explain")
def explain(
    host: str,
    port: Port = 443,
    client: Client = None,
    address: Address = None,
    rules: Rules = None,
    json: o.Json = False,
) -> int:
    """Say what happens to a connection, and which rules were considered."""
    from addons.bypass.matcher import Matcher

    matcher = Matcher(_load(rules))
    connection = _connection(host, port, client, address)
    rule = matcher.match(connection, _today())
    action = rule.action if rule is not None else "inspect"
    considered = list(matcher.considered(connection, _today()))
    if json:
        told = [{**_record(one), "why": why} for one, why in considered]
        _print_json({"host": host, "action": action, "considered": told})
        return exit_codes.CLEAN
    print(f"{host}:{port}  {action}" + ("" if rule else ": no rule says otherwise"))
    for one, why in considered:
        print(
            f"  {one.action:8} {one.pattern:40} {why}" + (f"; {one.reason}" if one.reason else "")
        )
    return exit_codes.CLEAN


@app.command("test")
def expect_action(
    hosts: list[str],
    expect: Annotated[str, typer.Option(help="pass, inspect or block.")] = "pass",
    port: Port = 443,
    client: Client = None,
    rules: Rules = None,
) -> int:
    """Exit with 0 when this happens to every host, else with 1."""
    from addons.bypass.matcher import Matcher

    matcher = Matcher(_load(rules))
    code = exit_codes.CLEAN
    for host in hosts:
        rule = matcher.match(_connection(host, port, client, None), _today())
        action = rule.action if rule is not None else "inspect"
        if action != expect:
            print(f"{host}: {action}, not {expect}")
            code = exit_codes.FOUND
    return code


@app.command("lint")
def lint_(
    rules: Rules = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count too.")] = False,
    json: o.Json = False,
) -> int:
    """Say what stands out: too wide, idle, expired, contradicting, hard to defend."""
    from addons.bypass.lint import lint

    found = lint(_load(rules), _today())
    for finding in found:
        if json:
            _print_json(
                {
                    "rule": finding.rule.pattern, "id": finding.id, "severity": finding.severity,
                    "text": finding.text,
                }
            )  # fmt: skip
        else:
            print(f"{finding.severity:8} {finding.rule.pattern:36} {finding.text} ({finding.id})")
    counted = [f for f in found if strict or f.severity == "error"]
    return exit_codes.FOUND if counted else exit_codes.CLEAN


@app.command("export")
def export(
    target: Annotated[str, typer.Argument(help="mitmproxy or squid.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where a rule cannot be said.")
    ] = False,
    rules: Rules = None,
) -> int:
    """Print the rules in another program's language; what it cannot say exactly is refused."""
    from importlib import import_module

    if target not in _TARGETS:
        raise ConfigError("bypass export", f"{target!r} is none of {', '.join(_TARGETS)}")
    found = import_module(f"addons.formats.{target}").export(_load(rules), _today())
    print(found.text, end="")
    for one in found.refused:
        print(f"tlsight: left out {one.rule.pattern}: {one.why}", file=sys.stderr)
    return exit_codes.FOUND if strict and found.refused else exit_codes.CLEAN


@app.command("replay")
def replay(
    log: Annotated[Path, typer.Argument(help="What the option bypass_log wrote.")],
    clients: Annotated[int, typer.Option(min=1, help="Trusting clients that must refuse.")] = 2,
    weight: Annotated[float, typer.Option(min=0.25, help="Of their refusals together.")] = 3.0,
    half_life: Annotated[float, typer.Option(min=0.01, help="Days until evidence halves.")] = 7.0,
    json: o.Json = False,
) -> int:
    """Say what the recorded attempts amount to: hosts that could pass, clients without the CA."""
    from datetime import timedelta

    import msgspec

    from addons.bypass.learning import LearningOptions
    from addons.bypass.learning import replay as replayed
    from addons.store.attempt_log import read_attempts

    options = LearningOptions(clients=clients, weight=weight, half_life=timedelta(days=half_life))
    found = replayed(read_attempts(log), options, None)
    if json:
        print(msgspec.json.encode(found).decode())
        return exit_codes.CLEAN
    for one in found.candidates:
        print(f"candidate  {one.host:36} {one.kind:20} weight {one.weight:g}: {one.text}")
    for client in found.lacking:
        hosts = ", ".join(client.hosts[:4])
        print(f"client     {client.client:36} lacks the proxy's CA: it refuses {hosts}")
    for host in found.invalid:
        print(f"broken     {host:36} its own certificate does not verify; never let it through")
    if not (found.candidates or found.lacking or found.invalid):
        print("nothing stands out")
    return exit_codes.CLEAN


def _path(rules: Path | None) -> Path:
    import os

    if rules is not None:
        return rules
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "tlsight" / "bypass.toml"


def _load(rules: Path | None) -> tuple[Rule, ...]:
    from addons.bypass.rule import load_rules

    path = _path(rules)
    if rules is None and not path.exists():
        return ()
    return load_rules(path)


def _connection(host: str, port: int, client: str | None, address: str | None) -> Connection:
    from addons.bypass.matcher import Connection
    from detector.targets import normal_host

    return Connection(normal_host(host), None, address, port, client)


def _record(rule: Rule) -> dict[str, object]:
    return {
        "pattern": rule.pattern, "action": rule.action, "reason": rule.reason, "owner": rule.owner,
        "ticket": rule.ticket, "created": rule.created, "expires": rule.expires,
    }  # fmt: skip


def _today() -> date:
    from detector import clock

    return clock.now().date()


def _print_json(record: dict[str, object]) -> None:
    import msgspec

    print(msgspec.json.encode(record).decode())
