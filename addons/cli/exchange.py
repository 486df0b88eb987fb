"""`tlsight bypass`: rules to and from other programs' lists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from addons.cli import given
from addons.cli.importing import File, Target, read_list, text_of
from detector.cli import exit_codes
from detector.cli.options import Argument, Option, Verbs
from detector.cli.streams import write_file


def formats() -> int:
    """List the languages that rules can be written in, and which can be read back."""
    from addons.formats.registry import FORMATS

    for name, one in FORMATS.items():
        reads = " and ".join(
            word for word, does in (("read", one.reads), ("written", one.writes)) if does
        )
        given.say(f"{name:12} {one.title:52} {reads}")
    return exit_codes.CLEAN


def export(
    target: Target,
    strict: Annotated[
        bool, Option("--strict", help="Exit with 1 where a rule cannot be said.")
    ] = False,
    skip_proxy: Annotated[
        bool,
        Option(help="Yes, hosts may go around the proxy: for pac, no-proxy, chrome, firefox."),
    ] = False,
    port: Annotated[
        int | None,
        Option(min=1, max=65535, help="The gateway decrypts this port alone: 443, for most."),
    ] = None,
    rules: given.Rules = None,
    store: given.Store = None,
) -> int:
    """Print the approved rules in another program's language; what it cannot say exactly is refused."""
    from addons.bypass.feed import flattened
    from addons.formats.registry import export as exported

    listed, beneath = flattened(given.approved(rules, store), given.beneath(store), given.now())
    found = exported(target, listed, given.now(), skip_proxy=skip_proxy, port=port)
    write_file(found.text.encode())
    for one in found.refused:
        given.tell(f"left out {one.rule.pattern}: {one.why}")
    for rule in beneath:
        why = "a rule of your own that keeps inspecting comes first, and the list cannot say that"
        given.tell(f"left out {rule.pattern} ({rule.reason}): {why}")
    refused = found.refused or beneath
    return exit_codes.FOUND if strict and refused else exit_codes.CLEAN


def diff(target: Target, file: File, rules: given.Rules = None, store: given.Store = None) -> int:
    """Compare a list in use elsewhere with what would be exported: 0 when they say the same.

    What the other program has no words for (rules that only narrow others, clients) is not in its list, and no
    difference.
    """
    from addons.bypass.feed import flattened
    from addons.formats.registry import differences

    found = read_list(target, file)
    listed, _ = flattened(given.approved(rules, store), given.beneath(store), given.now())
    compared = differences(target, found, listed, given.now())
    for one in found.unread:
        given.tell(f"{one.file or file}:{one.line}: left out {one.text!r}: {one.why}")
    for pattern, here, there in compared:
        mark = "+" if there is None else "-" if here is None else "!"
        given.say(f"{mark} {pattern:44} ours {here or 'nothing'}, theirs {there or 'nothing'}")
    return exit_codes.FOUND if compared or found.unread else exit_codes.CLEAN


def seeds(
    file: Annotated[
        str | None, Argument(help="Microsoft 365's endpoint JSON: a file, or its https URL.")
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
        return text_of(Path(file))
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


def register(app: Verbs) -> None:
    for verb in (formats, export, diff, seeds):
        app.command(verb.__name__)(verb)
