"""`tlsight bypass prove`: does the bypass bypass? Asked of any vendor's proxy.

Output
------
With --json an object a line, schema tlsight.bypass-proof/1 (`addons.bypass.proof.Proof`):

    schema, at, host, port, rule     host is null for a rule of which nobody can be asked; rule, for a named host
    state                            passes, decrypted, other-gateway, cannot-tell
    reason                           which row of the table decided, e.g. same-key, judged, blocked, several-keys
    text, by                         a sentence; who decrypts
    same                             leaf_key, chain, scts, ja3s: true, false, or null where a way shows none
    through, direct                  what each way showed: verdict, leaf, chain, signer, scts, ja3s, trouble and so on

Fields may be added; names and meaning stay. Exit codes: 1 one is still decrypted, 3 one cannot be told, 0 all pass
(a host that passes this proxy while another gateway decrypts it is not seen in clear by this one: 0, unless --strict).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.knowledge import CtLogs, PolicyFile, Roots
from detector.cli.numbers import finite
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json
from detector.cli.way import Connect, NoCanaries, NoProxy, Proxy

if TYPE_CHECKING:
    from addons.bypass.proof import Proof, State
    from addons.cli.both_ways import Asked, BothWays
    from detector.chain.certificate import Certificate
    from detector.model.observation import Target
    from detector.net.probe import ProbeOptions

_MAX_CA = 1 << 20
_WORDS: dict[State, str] = {
    "passes": "pass",
    "decrypted": "still decrypted",
    "other-gateway": "pass, but another gateway decrypts",
    "cannot-tell": "cannot be told",
}


def prove(
    hosts: Annotated[
        list[str] | None,
        Argument(help="host, host:port, [v6]:port or URL; - reads them from stdin."),
    ] = None,
    listed: Annotated[
        bool, Option("--all", "-a", help="Every rule of the store and the file that passes.")
    ] = False,
    host_list: Annotated[
        Path | None, Option("--list", "-l", "--hosts", help="File or pipe of targets, one a line.")
    ] = None,
    echo: Annotated[
        str | None,
        Option(
            "--echo",
            metavar="URL",
            help="An echo server of yours that a rule lets pass (tlsight echo serve), with #ed25519= of its key.",
        ),
    ] = None,
    proxy: Proxy = None,
    no_proxy: NoProxy = False,
    connect: Connect = None,
    timeout: Annotated[
        float,
        Option(min=0.1, callback=finite, help="Seconds for each host, both ways together."),
    ] = 10.0,
    ca: Annotated[
        Path | None,
        Option("--ca", help="The proxy's CA (PEM), which tells it from other gateways."),
    ] = None,
    roots: Roots = None,
    ct_logs: CtLogs = None,
    policy: PolicyFile = None,
    no_canaries: NoCanaries = False,
    concurrency: Annotated[int, Option(min=1, max=256, help="Hosts asked at once.")] = 8,
    strict: Annotated[
        bool, Option("--strict", help="Another gateway that decrypts counts too.")
    ] = False,
    rules: given.Rules = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Prove that hosts pass: ask through the proxy and past it, and compare who answers.

    Says "passes", "still decrypted by X", "passes, but another gateway decrypts" or "cannot tell". Without a proxy, as
    behind a gateway that nobody asked, the chain alone decides. With --echo, hellos are sent to a server that tells
    what arrived: byte for byte, they pass; another program's, they are decrypted.
    Exit codes: 0 all pass, 1 one is still decrypted, 3 one cannot be told, 2 usage, 4 broken.
    """
    import asyncio

    from addons.cli.both_ways import BothWays
    from detector.cli.way import Targets, probe_options, routing
    from detector.errors import ConfigError
    from detector.knowledge.assemble import assemble

    if not (hosts or listed or host_list or echo):
        raise ConfigError("bypass prove", "no host", remedy="name hosts, or say --all")
    options = probe_options(routing(proxy, no_proxy=no_proxy, trust=roots), connect, timeout)
    known = assemble(roots=roots, ct_logs=ct_logs, policy=policy)
    run = BothWays(known, options, _ca(ca) if ca is not None else None, canaries=not no_canaries)
    named = Targets(hosts or [], host_list, None, None) if hosts or host_list else None
    told = _Told(json=json, strict=strict)
    if echo is not None:
        told.say(asyncio.run(_echoed(echo, options)))
    from_rules = _listed(rules, store, told, alone=named is None) if listed else []
    wanted = _wanted(named or (), from_rules)
    if named is not None or from_rules:
        asyncio.run(_run(run, wanted, concurrency, told))
    return exit_codes.worst(told.finish(), named.code if named is not None else exit_codes.CLEAN)


class _Told:
    """Says each proof once, and remembers the exit code."""

    def __init__(self, *, json: bool, strict: bool) -> None:
        self._json = json
        self._codes: dict[State, int] = {
            "passes": exit_codes.CLEAN,
            "decrypted": exit_codes.FOUND,
            "other-gateway": exit_codes.FOUND if strict else exit_codes.CLEAN,
            "cannot-tell": exit_codes.INCONCLUSIVE,
        }
        self._count: Counter[State] = Counter()
        self._code = exit_codes.CLEAN

    def say(self, one: Proof) -> None:
        self._count[one.state] += 1
        self._code = exit_codes.worst(self._code, self._codes[one.state])
        if self._json:
            given.print_json(one)
            return
        name = one.host if one.host is not None else one.rule
        where = f"{name}:{one.port}" if one.host is not None and one.port != 443 else f"{name}"
        given.say(f"{where:40} {one.text}")

    def finish(self) -> int:
        if not self._json and self._count.total() > 1:
            told = (f"{n} {_WORDS[s]}" for s, n in self._count.items())
            given.say(", ".join(told))
        return self._code


async def _run(run: BothWays, wanted: Iterator[Asked], concurrency: int, told: _Told) -> None:
    from detector.net.descriptors import make_room

    # Two connections a host.
    width = max(1, make_room(2 * concurrency) // 2)
    async with aclosing(run.run(wanted, width)) as proofs:
        async for one in proofs:
            told.say(one)


async def _echoed(url: str, options: ProbeOptions) -> Proof:
    """Raises ConfigError for a URL without the server's key: what is not signed proves nothing."""
    from addons.bypass.echo_proof import echo_proof
    from detector.cli.echo import server_of
    from detector.errors import ConfigError
    from detector.knowledge.browser_hellos import browser_hellos
    from detector.runs.echo import ask_echo

    server = server_of(url)
    if server.key is None:
        raise ConfigError("--echo", "has no key", remedy="give the URL with its #ed25519=")
    found = await ask_echo(server, options, browser_hellos())
    return echo_proof(
        found.at, found.host, found.port, found.fate, found.hellos, signed=found.proven
    )


def _wanted(named: Iterable[Target], listed: Iterable[Asked]) -> Iterator[Asked]:
    from addons.cli.both_ways import Asked

    yield from listed
    yield from (Asked(target) for target in named)


def _listed(rules: Path | None, store: Path | None, told: _Told, *, alone: bool) -> list[Asked]:
    """Whom the rules in force name; of the others it is said at once that they cannot be proved."""
    from addons.bypass.proof import unprovable
    from addons.bypass.provable import HTTPS, provable
    from addons.cli.both_ways import Asked
    from detector import clock
    from detector.errors import ConfigError

    with given.read_store(store) as opened:
        seen = opened.traffic.hosts()
    found: dict[object, Asked] = {}
    none = True
    for one in provable(given.rules_in_force(rules, store), seen, given.now()):
        none = False
        pattern = one.rule.pattern
        for target in one.targets:
            found.setdefault(target, Asked(target, pattern))
        if not one.targets:
            told.say(unprovable(clock.now(), one.rule.port or HTTPS, pattern, one.why))
    if none and alone:
        raise ConfigError("--all", "no rule passes anything", remedy="tlsight bypass list")
    return list(found.values())


def _ca(path: Path) -> Certificate:
    """The first certificate of a PEM file. Raises ConfigError."""
    from detector.bounded import read_bounded
    from detector.chain.certificate import read_certificate, split_pem
    from detector.errors import CertificateError, ConfigError

    try:
        found = split_pem(read_bounded(path, _MAX_CA))
        if not found:
            raise ConfigError(str(path), "holds no certificate", remedy="give the CA as PEM")
        return read_certificate(found[0])
    except (OSError, CertificateError) as error:
        raise ConfigError(str(path), f"no certificate: {error}") from None


def register(app: Verbs) -> None:
    app.command("prove")(prove)
