"""`tlsight ct`: which issuers public logs know for a host."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.asking import AskingOptions
from detector.cli.default_group import DefaultGroup
from detector.cli.ending import say
from detector.cli.groups import grouped
from detector.cli.knowledge import CtLogs, Roots, Store, open_store
from detector.cli.options import Argument, Option
from detector.cli.output import Json, Verbose
from detector.cli.waiting import Waiting
from detector.cli.way import bounded_lines
from detector.errors import ConfigError, TargetError
from detector.model.targets import parse_target, read_targets

if TYPE_CHECKING:
    from rich.console import RenderableType

    from detector.ct.issuance import IssuanceLookup
    from detector.known.knowledge import Pin
    from detector.lookup.issuers import HostIssuers, LookupDesk
    from detector.lookup.unexpected import UnexpectedLeaves

app = DefaultGroup(
    no_args_is_help=True,
    help="Which issuers public logs know for a host: ask, keep, ship.",
)


@app.command("show")
@grouped
def show(
    asking: AskingOptions,
    hosts: Annotated[list[str], Argument(help="Host names.", values="hosts")],
    refresh: Annotated[
        bool, Option("--refresh", help="Ask even where the stored answer is fresh.")
    ] = False,
    offline: Annotated[
        bool, Option("--offline", help="Make no request; show what is stored.")
    ] = False,
    unexpected: Annotated[
        bool, Option("--unexpected", help="List logged leaves whose key no pin knows.")
    ] = False,
    pins: Annotated[
        Path | None,
        Option("--pins", help="TOML file of pins.", envvar="TLSIGHT_PINS"),
    ] = None,
    store: Store = None,
    roots: Roots = None,
    ct_logs: CtLogs = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Show the issuers that public logs know for hosts: keys, certificates, first and last seen.

    With --unexpected, the keys of unexpired logged leaves that are not pinned for the host: a CA issued them in
    the open, perhaps to somebody else.

    Exit codes: 0 known, 1 some leaf is unexpected, 3 nothing that counts is known of some host.
    """
    code = exit_codes.CLEAN
    if pins is not None and not unexpected:
        raise ConfigError("--pins", "compares with --unexpected only", remedy="add --unexpected")
    known = _pins(pins) if unexpected else ()
    from detector import clock
    from detector.lookup.unexpected import unexpected_leaves

    waiting = Waiting(
        "waiting for what logs know of {}", shown=not json, total=len(hosts), done="looked up"
    )

    def each(found: HostIssuers) -> None:
        nonlocal code
        _warn(*found.problems)
        if not found.usable:
            code = exit_codes.worst(code, exit_codes.INCONCLUSIVE)
        if unexpected:
            listed = unexpected_leaves(found, known, clock.now().date(), _is_public_ca)
            if listed.unexpected:
                code = exit_codes.worst(code, exit_codes.FOUND)
            _print_unexpected(listed, json=json)
        elif json:
            _print_json(found.answers)
        else:
            _print(_table(found, verbose=verbose))

    _visit(
        [_host(host) for host in hosts], each, asking, waiting, store=store, roots=roots, ct_logs=ct_logs,
        refresh=refresh, offline=offline,
    )  # fmt: skip
    return code


@app.command("fetch")
@grouped
def fetch(
    asking: AskingOptions,
    host_list: Annotated[Path, Option("--list", "-l", help="File of hosts, one a line.")],
    refresh: Annotated[
        bool, Option("--refresh", help="Ask even where the stored answer is fresh.")
    ] = False,
    store: Store = None,
    roots: Roots = None,
    ct_logs: CtLogs = None,
) -> int:
    """Fill the store for many hosts. Run it again to go on: what is fresh is not asked for.

    Exit codes: 0 all known, 3 nothing that counts came for some hosts.
    """
    from collections import Counter

    if not host_list.exists() or host_list.is_dir():
        raise ConfigError(str(host_list), "no such file of hosts")
    with host_list.open(encoding="utf-8", errors="replace") as file:
        hosts = list(dict.fromkeys(_lenient(read_targets(bounded_lines(file, str(host_list))))))
    if not hosts:
        raise ConfigError(str(host_list), "holds no host", remedy="write one a line")
    tally: Counter[str] = Counter()
    waiting = Waiting("waiting for what logs know of {}", total=len(hosts), done="looked up")

    def each(found: HostIssuers) -> None:
        _warn(*(f"{found.host}: {problem}" for problem in found.problems))
        tally["known" if found.usable else "unknown"] += 1
        tally["asked"] += found.asked

    _visit(
        hosts, each, asking, waiting, store=store, roots=roots, ct_logs=ct_logs, refresh=refresh,
    )  # fmt: skip
    print(
        f"{len(hosts)} hosts: {tally['known']} known, {tally['unknown']} unknown,"
        f" {tally['asked']} asked for"
    )
    return exit_codes.INCONCLUSIVE if tally["unknown"] else exit_codes.CLEAN


@app.command("export")
def export(
    file: Annotated[Path | None, Argument(help="Where to write; - or nothing for stdout.")] = None,
    store: Store = None,
) -> int:
    """Write the trusted answers of the store as NDJSON, for `ct import` on another machine."""
    import msgspec

    from detector.knowledge.whole_file import replacing

    source = open_store(store, read_only=True)
    encode = msgspec.json.Encoder().encode
    lines = (encode(lookup) + b"\n" for lookup in source.all_lookups() if lookup.trusted)
    try:
        if file is None or str(file) == "-":
            sys.stdout.buffer.writelines(lines)
        else:
            with replacing(file) as out:
                out.writelines(lines)
    finally:
        source.close()
    return exit_codes.CLEAN


@app.command("import")
def import_(
    file: Annotated[Path, Argument(help="What `ct export` wrote; - for stdin.")],
    store: Store = None,
) -> int:
    """Put the answers of an export into the store: all of them, or none."""
    from detector.knowledge.ct_export import read_export

    found = read_export(file)
    target = open_store(store)
    try:
        count = target.save(found)
    finally:
        target.close()
    print(f"{count} answers imported")
    return exit_codes.CLEAN


def _visit(
    hosts: list[str],
    each: _Each,
    asking: AskingOptions,
    waiting: Waiting,
    *,
    store: Path | None,
    roots: Path | None,
    ct_logs: Path | None,
    refresh: bool = False,
    offline: bool = False,
) -> None:
    """Look all hosts up, a few at a time, and show each as it is known."""
    import asyncio

    from detector import clock
    from detector.knowledge.assemble import assemble
    from detector.lookup.issuers import LookupDesk
    from detector.net.fetch import Fetcher

    options = asking.fetch_options(roots)
    services = asking.services()
    kept = open_store(store)
    known = assemble(roots=roots, ct_logs=ct_logs, store=kept)

    async def run() -> None:
        async with Fetcher(options) as fetcher:
            desk = LookupDesk(services, kept, fetcher, known, clock.now)
            await _each_of(desk, hosts, each, waiting, refresh=refresh, offline=offline)

    try:
        with waiting:
            asyncio.run(run())
    finally:
        kept.close()


async def _each_of(
    desk: LookupDesk,
    hosts: list[str],
    each: _Each,
    waiting: Waiting,
    *,
    refresh: bool,
    offline: bool,
) -> None:
    from contextlib import ExitStack, aclosing

    if len(hosts) == 1 or offline:
        for host in hosts:
            with waiting.on(host):
                found = await desk.look_up(host, refresh=refresh, offline=offline)
            each(found)
        return
    with ExitStack() as rest:
        under_way = {host: rest.enter_context(ExitStack()) for host in hosts}
        for host, one in under_way.items():
            one.enter_context(waiting.on(host))
        async with aclosing(desk.look_up_all(hosts, refresh=refresh)) as run:
            async for found in run:
                if found.host in under_way:
                    under_way[found.host].close()
                each(found)


def _table(found: HostIssuers, *, verbose: bool) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from detector.model.harmless import harmless
    from detector.report.check_text import escape, marked
    from detector.report.layout import Column, Fitted

    if not found.answers:
        return marked(f"[bold]{escape(found.host)}[/]  [yellow]nothing is known[/]")
    parts: list[RenderableType] = []
    for answer in found.answers:
        marks = [answer.source, f"{answer.fetched:%Y-%m-%d %H:%M} UTC"]
        marks += ["[yellow]stale[/]"] if answer.stale else []
        marks += [] if answer.trusted else ["[red]untrusted, does not count[/]"]
        marks += [] if answer.complete else ["[yellow]not read to its end[/]"]
        head = f"[bold]{escape(answer.host)}[/]  {', '.join(marks)}"
        rows = [
            (
                (harmless(issuer.name) + ("" if issuer.exact else " (wildcard)"), ""),
                (_key(issuer.spki_sha256, verbose=verbose), ""),
                (str(issuer.certificates), ""),
                (f"{issuer.first:%Y-%m-%d}", ""),
                (f"{issuer.last:%Y-%m-%d}", ""),
            )
            for issuer in answer.issuers
        ]
        columns = (
            Column("issuer", kind="name"), Column("key (SPKI SHA-256)", kind="name" if verbose else "figure"),
            Column("certificates", right=True, kind="figure", minor=2),
            Column("first", kind="figure", minor=1), Column("last", kind="figure"),
        )  # fmt: skip
        parts.append(marked(head))
        parts.append(
            Fitted(columns, rows)
            if answer.issuers
            else Text("  no unexpired certificate is logged")
        )
    return Group(*parts)


def _key(digest: str | None, *, verbose: bool) -> str:
    if not digest:
        return "not told"
    return digest if verbose else f"{digest[:16]}…"


def _print(block: RenderableType) -> None:
    from detector.report.check_text import stdout_console

    stdout_console().print(block)


def _pins(path: Path | None) -> tuple[Pin, ...]:
    if path is None:
        raise ConfigError(
            "--unexpected",
            "no pins to compare with",
            remedy="give --pins FILE (tlsight pins learn)",
        )
    from detector.knowledge.pins import load_pins

    return load_pins(path)


def _is_public_ca(key: str) -> bool:
    from detector.knowledge import shipped
    from detector.knowledge.roots import public_roots
    from detector.known.intermediates import PublicIntermediates

    below = PublicIntermediates(shipped.public_intermediates).with_key(key)
    return below is not None or public_roots().has_key(key)


def _print_unexpected(listed: UnexpectedLeaves, *, json: bool) -> None:
    import msgspec

    from detector.report.check_text import escape, marked

    if json:
        sys.stdout.buffer.write(msgspec.json.encode(listed) + b"\n")
        sys.stdout.buffer.flush()
        return
    head = f"[bold]{escape(listed.host)}[/]  {listed.logged} leaf keys are logged"
    if not listed.pinned:
        _print(marked(f"{head}; [yellow]no leaf key is pinned for it[/]"))
    else:
        _print(marked(f"{head}, {len(listed.unexpected)} of them not pinned"))
    for key in listed.unexpected:
        _print(marked(f"  [yellow]{key}[/]"))


def _print_json(answers: Iterable[IssuanceLookup]) -> None:
    import msgspec

    for answer in answers:
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


def _host(text: str) -> str:
    return parse_target(text).host


def _lenient(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        try:
            yield _host(text)
        except TargetError as error:
            _warn(str(error))


def _warn(*texts: str) -> None:
    for text in texts:
        say(text)


if TYPE_CHECKING:
    from collections.abc import Callable

    _Each = Callable[[HostIssuers], None]
