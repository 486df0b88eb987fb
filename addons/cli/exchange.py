"""`tlsight bypass`: rules to and from other programs' lists."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.streams import write_file

Target = Annotated[str, typer.Argument(help="tlsight bypass formats lists them.")]
File = Annotated[Path, typer.Argument(help="- for stdin.")]


def formats() -> int:
    """List the languages that rules can be written in, and which can be read back."""
    from addons.formats.registry import FORMATS

    for name, one in FORMATS.items():
        reads = "read and written" if one.reads else "written"
        given.say(f"{name:12} {one.title:52} {reads}")
    return exit_codes.CLEAN


def export(
    target: Target,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where a rule cannot be said.")
    ] = False,
    skip_proxy: Annotated[
        bool,
        typer.Option(
            help="Yes, hosts may go around the proxy: for pac, no-proxy, chrome, firefox."
        ),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="The gateway decrypts this port alone: 443, for most."),
    ] = None,
    rules: given.Rules = None,
    store: given.Store = None,
) -> int:
    """Print the rules in another program's language; what it cannot say exactly is refused."""
    from addons.bypass.feed import flattened
    from addons.formats.registry import export as exported

    layers = given.layers(rules, store)
    listed, beneath = flattened(layers.own, layers.beneath)
    found = exported(target, listed, given.now(), skip_proxy=skip_proxy, port=port)
    write_file(found.text.encode())
    for one in found.refused:
        given.tell(f"left out {one.rule.pattern}: {one.why}")
    for rule in beneath:
        why = "a rule of your own that keeps inspecting comes first, and the list cannot say that"
        given.tell(f"left out {rule.pattern} ({rule.reason}): {why}")
    refused = found.refused or beneath
    return exit_codes.FOUND if strict and refused else exit_codes.CLEAN


def import_(
    target: Target,
    file: File,
    owner: Annotated[str, typer.Option(help="Who answers for rules that name nobody.")],
    expires: given.Expires,
    reason: Annotated[str, typer.Option(help="Of rules that give none.")] = "",
    store: given.Store = None,
) -> int:
    """Read rules from another program's list into the store; all of them, or none."""
    import msgspec

    from addons.bypass.pattern import end
    from addons.bypass.shown import shown
    from addons.formats.registry import read

    today = given.today()
    last = end(expires, given.now())
    found = read(target, _text(file), str(file))
    rows = [
        msgspec.structs.replace(
            row,
            owner=row.owner or owner,
            reason=row.reason or reason or f"imported from {shown(file.name)}",
            expires=row.expires or last,
            created=row.created or today,
        )
        for row in found.rows
    ]
    with given.open_store(store) as opened:
        count, known = opened.import_rules(rows, f"{target}: {shown(str(file))}")
    for one in found.unread:
        given.tell(f"{file}:{one.line}: left out {one.text!r}: {one.why}")
    given.say(f"{count} rules imported, {len(known)} there already, {len(found.unread)} left out")
    return exit_codes.FOUND if found.unread else exit_codes.CLEAN


def diff(target: Target, file: File, rules: given.Rules = None, store: given.Store = None) -> int:
    """Compare a list in use elsewhere with the rules: 0 when they say the same."""
    from addons.bypass.reach import has_ended
    from addons.bypass.rule import rule_of
    from addons.formats.registry import read

    theirs = {rule_of(row).pattern: row.action for row in read(target, _text(file), str(file)).rows}
    now = given.now()
    ours = {
        rule.pattern: rule.action
        for rule in given.rules_in_force(rules, store)
        if not has_ended(rule, now)
    }
    for pattern in sorted({*theirs, *ours}):
        here, there = ours.get(pattern), theirs.get(pattern)
        if here != there:
            mark = "+" if there is None else "-" if here is None else "!"
            given.say(f"{mark} {pattern:44} ours {here or 'nothing'}, theirs {there or 'nothing'}")
    return exit_codes.CLEAN if theirs == ours else exit_codes.FOUND


def seeds(
    file: Annotated[
        str | None, typer.Argument(help="Microsoft 365's endpoint JSON: a file, or its https URL.")
    ] = None,
) -> int:
    """Print rules that vendors ask for, as TOML to review and import: nothing is let through by it."""
    from addons.bypass.seeds import microsoft365, shipped
    from addons.formats.toml import render

    rows = microsoft365(_seed_text(file)) if file is not None else shipped()
    write_file(render(rows).encode())
    return exit_codes.CLEAN


def _seed_text(file: str) -> str:
    if not file.startswith("https://"):
        return _text(Path(file))
    import asyncio
    import uuid

    from addons.bypass.seeds import MAX_M365
    from detector.net.fetch import Fetcher

    async def fetched() -> bytes:
        # The service counts its users by an id that each request makes up.
        url = file if "clientrequestid=" in file else f"{file}?clientrequestid={uuid.uuid4()}"
        async with Fetcher() as fetcher:
            return (await fetcher.get(url, limit=MAX_M365)).body

    return asyncio.run(fetched()).decode("utf-8", "replace")


def _text(file: Path) -> str:
    from detector.bounded import read_whole
    from detector.errors import ConfigError
    from detector.knowledge.rows import MAX_FILE

    try:
        if str(file) == "-":
            return sys.stdin.read()
        return read_whole(file, MAX_FILE).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise ConfigError(str(file), why or str(error)) from None


def register(app: typer.Typer) -> None:
    for verb in (formats, export, import_, diff, seeds):
        app.command(verb.__name__.strip("_"))(verb)
