"""`tlsight update`: fresh lists of CT logs, CA owners and interception keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.asking import NoProxy, Proxy, Timeout
from detector.cli.ending import say
from detector.cli.knowledge import Lists, Roots, installed_lists
from detector.cli.options import Argument, Option
from detector.cli.output import Json
from detector.cli.streams import print_line
from detector.cli.waiting import Waiting
from detector.cli.way import fetch_options, routing
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.knowledge.installed import InstalledLists
    from detector.lookup.update import Outcome, Updater
    from detector.net.fetch import FetchOptions

_TEXT = """
Bring the published lists up to date: signed ones by their signature, none ever back in time.

Lists: all_logs_list and log_list (CT logs, signed by Google), ccadb (owners of CA keys),
crlset (keys that Chrome knows to be used for interception, signed by their extension).

Examples

  tlsight update
  tlsight update --from DIR      from files, for machines without internet
  tlsight update --check         for monitoring: how old are the lists in force?

Exit codes: 0 up to date, 1 something failed or is too old, 4 cannot write.
"""


def update(
    names: Annotated[
        list[str] | None, Argument(help="Only these lists.", metavar="[LIST]...", values="lists")
    ] = None,
    source: Annotated[
        Path | None,
        Option("--from", metavar="DIR", help="Take the files from this folder."),
    ] = None,
    check: Annotated[
        bool, Option("--check", help="Change nothing; tell whether a list is too old.")
    ] = False,
    lists: Lists = None,
    proxy: Proxy = None,
    no_proxy: NoProxy = False,
    timeout: Timeout = 60.0,
    mirror: Annotated[
        str | None,
        Option(
            metavar="URL",
            help="Where log_list.json and all_logs_list.json are, with their .sig.",
            envvar="TLSIGHT_LOG_LIST_MIRROR",
        ),
    ] = None,
    roots: Roots = None,
    json: Json = False,
) -> int:
    from detector import clock
    from detector.knowledge import shipped
    from detector.knowledge.assemble import assemble
    from detector.lists.log_list import BASE
    from detector.lookup.update import FEEDS, Updater, stale_lists

    wanted = tuple(names) if names else FEEDS
    for name in wanted:
        if name not in FEEDS:
            raise ConfigError("update", f"{name!r} is none of {', '.join(FEEDS)}")
    installed = installed_lists(lists)
    outcomes: list[Outcome] = []
    if not check:
        base = BASE if mirror is None else mirror.rstrip("/") + "/"
        updater = Updater(installed, assemble(roots=roots), clock.now, base=base)
        options = (
            None
            if source
            else fetch_options(routing(proxy, no_proxy=no_proxy, trust=roots), timeout, roots)
        )
        with Waiting("fetching {}", shown=not json) as waiting, waiting.on(", ".join(wanted)):
            outcomes = _run(updater, wanted, source, options)
    shipped_list = shipped.load_log_list(shipped.DATA / "ct_logs.json")
    warnings = stale_lists(installed, shipped_list, clock.now())
    _tell(outcomes, warnings, installed, json=json)
    if source is not None and all(outcome.status == "missing" for outcome in outcomes):
        remedy = "put log_list.json and log_list.sig there"
        raise ConfigError(str(source), "holds none of the lists", remedy=remedy)
    failed = any(outcome.status == "failed" for outcome in outcomes)
    return exit_codes.FOUND if failed or (check and warnings) else exit_codes.CLEAN


def _run(
    updater: Updater, names: tuple[str, ...], source: Path | None, options: FetchOptions | None
) -> list[Outcome]:
    import asyncio

    if source is not None:
        if not source.is_dir():
            raise ConfigError(str(source), "no such folder")
        return asyncio.run(updater.from_folder(source, names))

    async def run() -> list[Outcome]:
        from detector.net.fetch import Fetcher

        async with Fetcher(options) as fetch:
            return await updater.from_network(fetch, names)

    return asyncio.run(run())


def _tell(
    outcomes: list[Outcome], warnings: list[str], installed: InstalledLists, *, json: bool
) -> None:
    if json:
        from detector.cli.streams import write_json

        record = {
            "schema": "tlsight.update/1",
            "folder": str(installed.folder),
            "lists": [
                {"name": one.name, "status": one.status, "text": one.text} for one in outcomes
            ],
            "warnings": warnings,
        }
        write_json(record)
        return
    for outcome in outcomes:
        if outcome.status == "failed":
            say(f"{outcome.name}: {outcome.text}")
        else:
            print_line(f"{outcome.name:14} {outcome.status:8} {outcome.text}")
    for warning in warnings:
        say(warning)


update.__doc__ = _TEXT
