"""`tlsight watch-path`: what changed on the way to hosts, since yesterday and from network to network?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.ending import say
from detector.cli.groups import grouped
from detector.cli.knowledge import HistoryFile, HistoryOptions, KnowledgeOptions, history_path
from detector.cli.options import Option
from detector.cli.output import Json, Verbose
from detector.cli.way import Arguments, NoCanaries, TargetList, WayOptions
from detector.errors import ConfigError

if TYPE_CHECKING:
    from asyncio import Event
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from detector.judging.path_answer import PathAnswer
    from detector.knowledge.path_readings import PathReadings
    from detector.model.observation import Target
    from detector.model.paths import Network
    from detector.net.echoed import EchoServer
    from detector.runs.check import CheckRun

_PLACE = "Which network"
_LONGEST_NAME = 60
_LOOK_AROUND = 15.0  # seconds; who hears of changes wakes sooner
_TEXT = """
Read the path to each host, and say what is another than before: here, and on the other networks of this machine.

A reading has who answers, by which route, what TLS was agreed on, and what a browser's hello is answered with. Renewed
certificates, other CDN fronts and other addresses are no difference. A network is known by a salted digest of its
router, which tells no place; give it a name.

Examples

  tlsight watch-path --network home        the built-in sites, from here, which is home from now on
  tlsight watch-path example.com           what differs from before, and from home
  tlsight watch-path --echo https://echo.example:8443/#ed25519=KEY
  tlsight watch-path --every 10m           again and again, and whenever the network changes
  tlsight watch-path --networks            where readings were made
  tlsight watch-path --forget office

Exit codes: 0 same as before, 1 differs, 3 nothing to compare with or nobody answered, 2 usage, 4 cannot write.
"""


@grouped
def watch_path(
    way: WayOptions,
    compare: KnowledgeOptions,
    targets: Arguments = None,
    target_list: TargetList = None,
    network: Annotated[
        str | None,
        Option(metavar="NAME", help="What to call the network of now; one of several routers is one network.", panel=_PLACE),
    ] = None,
    here: Annotated[
        bool, Option("--here", help="Compare with earlier readings on this network alone.", panel=_PLACE)
    ] = False,
    networks: Annotated[
        bool, Option("--networks", help="List the networks that are known, and ask nothing.", panel=_PLACE)
    ] = False,
    forget: Annotated[
        str | None,
        Option(metavar="NAME", help="Forget a network with its readings, by its name or id; all of them: all.", panel=_PLACE),
    ] = None,
    every: Annotated[
        str | None,
        Option(metavar="TIME", help="Read again so often (30s, 10m, 2h), and whenever the network changes."),
    ] = None,
    echo: Annotated[
        str | None,
        Option(
            metavar="URL",
            help="An echo server as well, https://HOST:PORT/#ed25519=KEY: how our hello arrives there.",
        ),
    ] = None,
    history: HistoryFile = None,
    no_canaries: NoCanaries = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:  # fmt: skip
    from detector.cli.dates import duration

    with _kept(history) as kept:
        if networks:
            return _list(kept, json=json)
        if forget is not None:
            return _forget(kept, forget)
        pause = duration("--every", every, _longest()) if every is not None else None
        wanted = _wanted(way, targets, target_list, alone=echo is not None)
        server = _echo_server(echo) if echo is not None else None
        place = _Place(kept, network)
        show = _Shown(place, json=json, verbose=verbose)
        with compare.opened() as opened, HistoryOptions(history).opened() as memory:
            options = way.probe_options(compare.roots)

            def session() -> CheckRun:
                from detector.runs.check import CheckRun

                return CheckRun(
                    opened.knowledge, options, memory=memory, store=opened.store,
                    canaries=not no_canaries, warn=say,
                )  # fmt: skip

            watching = _Watching(
                session, kept, place, wanted, only_here=here, echo=server, show=show
            )
            return watching.once() if pause is None else watching.on(pause)


class _Place:
    """Where this machine is, asked anew for each reading."""

    def __init__(self, kept: PathReadings, name: str | None) -> None:
        if name is not None and not (name.strip() and len(name) <= _LONGEST_NAME):
            raise ConfigError("--network", f"a name has 1 to {_LONGEST_NAME} characters")
        self._kept = kept
        self._name = name.strip() if name is not None else None
        self._salt: bytes | None = None

    async def now(self) -> Network:
        """Raises ConfigError where it cannot be told, StoreError where it cannot be kept."""
        from detector.agent.senses.network import named_network

        found = await self._found()
        name, self._name = self._name, None  # what it is called on the next network is not known
        if found is not None:
            return self._kept.note(found, name)
        if name is None:
            raise ConfigError(
                "the network", "cannot be told apart from others", remedy="name it with --network"
            )
        self._name = name
        return self._kept.note(named_network(name, self._own_salt()), name)

    async def is_left(self, network: Network) -> bool:
        """Whether this machine is on another network now; no word of the network is no yes."""
        found = await self._found()
        return found is not None and found != network.id

    async def _found(self) -> str | None:
        from detector.agent.senses.network import here

        found = await here(self._own_salt(), os.environ)
        return found.id if found is not None else None

    def _own_salt(self) -> bytes:
        from detector.agent.identity import identity
        from detector.knowledge.folders import state_folder

        if self._salt is None:
            self._salt = identity(state_folder(os.environ), os.urandom).salt
        return self._salt

    def gateway(self) -> str:
        """Its address, for a person who is there; it is kept nowhere."""
        from detector.agent.senses.network import read_ways, way_out

        out = way_out(read_ways())
        return str(out.gateway) if out is not None and out.gateway is not None else ""


class _Shown:
    """How readings are told."""

    def __init__(self, place: _Place, *, json: bool, verbose: bool) -> None:
        self._place, self._json, self._verbose = place, json, verbose

    def __call__(self, found: PathAnswer, network: Network) -> None:
        if self._json:
            from detector.cli.streams import write_json

            write_json(found)
            return
        from detector.report.check_text import stdout_console
        from detector.report.watch_path_text import render

        gateway = "" if network.name else self._place.gateway()
        stdout_console().print(render(found, gateway=gateway, verbose=self._verbose))

    @property
    def all(self) -> bool:
        """Readings without a difference are told as well."""
        return self._json or self._verbose


class _Watching:
    def __init__(
        self, session: Callable[[], CheckRun], kept: PathReadings, place: _Place, targets: Sequence[Target], *,
        only_here: bool, echo: EchoServer | None, show: _Shown,
    ) -> None:  # fmt: skip
        self._session, self._kept, self._place = session, kept, place
        self._targets, self._only_here, self._show = targets, only_here, show
        self._echo = echo

    def once(self) -> int:
        from detector.cli.waiting import Waiting
        from detector.net.briefly import run_briefly

        with (
            Waiting("waiting for {}", shown=not self._show.all) as waiting,
            waiting.on("the hosts"),
        ):
            found, network = run_briefly(self._read())
        self._show(found, network)
        codes = {"same": exit_codes.CLEAN, "differs": exit_codes.FOUND}
        return codes.get(found.answer, exit_codes.INCONCLUSIVE)

    def on(self, pause: timedelta) -> int:
        """Until it is told to stop; what is told first is the first reading."""
        from detector.net.briefly import run_briefly

        run_briefly(self._again(pause.total_seconds()))
        return exit_codes.CLEAN

    async def _read(self) -> tuple[PathAnswer, Network]:
        from detector import clock
        from detector.runs.watch_path import WatchPathRun

        network = await self._place.now()
        run = WatchPathRun(
            self._session(), self._kept, network, only_here=self._only_here, echo=self._echo
        )
        return await run.run(self._targets, clock.now()), network

    async def _again(self, pause: float) -> None:
        import asyncio
        from contextlib import suppress

        stirred = asyncio.Event()
        hearing = asyncio.create_task(_hear(stirred))
        before: Network | None = None
        try:
            while True:
                stirred.clear()
                try:
                    found, network = await self._read()
                except ConfigError as error:  # between two networks
                    say(str(error))
                    before = None
                else:
                    is_another = before is None or network.id != before.id
                    if self._show.all or is_another or found.answer == "differs":
                        self._show(found, network)
                    before = network
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._moved(stirred, before)
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    async def _moved(self, stirred: Event, before: Network | None) -> None:
        """Until something stirs, or this machine is elsewhere than the last reading was: what changed before whoever
        hears had learnt where it is was no change to him.
        """
        import asyncio
        from contextlib import suppress

        while not stirred.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AROUND):
                    await stirred.wait()
            if before is not None and await self._place.is_left(before):
                return


async def _hear(stirred: Event) -> None:
    from detector.agent.sensing import changes

    async for change in changes(os.environ):
        if change.kind in ("network", "resume", "proxy"):
            stirred.set()


@contextmanager
def _kept(history: Path | None) -> Iterator[PathReadings]:
    from contextlib import closing

    from detector import clock
    from detector.knowledge.path_readings import PathReadings

    with closing(PathReadings(history_path(history), clock.now)) as kept:
        yield kept


def _wanted(
    way: WayOptions, arguments: list[str] | None, target_list: Path | None, *, alone: bool
) -> list[Target]:
    from detector.cli.check import canaries

    asked = arguments or target_list is not None
    if alone and not asked:
        return []
    targets = way.targets(arguments, target_list, () if asked else canaries())
    return list(dict.fromkeys(targets))


def _echo_server(url: str) -> EchoServer:
    from detector.cli.echo import server_of

    return server_of(url)


def _list(kept: PathReadings, *, json: bool) -> int:
    from detector import clock
    from detector.report.watch_path_json import networks_record

    found = networks_record(kept.networks(), kept.counts())
    if json:
        from detector.cli.streams import write_json

        write_json(found)
    else:
        from detector.report.check_text import stdout_console
        from detector.report.watch_path_text import render_networks

        stdout_console().print(render_networks(found, clock.now()))
    return exit_codes.CLEAN


def _forget(kept: PathReadings, word: str) -> int:
    from detector.cli.streams import print_line

    known = kept.networks()
    found = known if word == "all" else [one for one in known if one.name == word]
    if not found and len(word) >= 4:  # the start of an id, as --networks shows it
        found = [one for one in known if one.id.startswith(word)]
    if not found and word != "all":
        raise ConfigError(
            "--forget", f"{word!r} is no network", remedy="see tlsight watch-path --networks"
        )
    gone = kept.forget(one.id for one in found)
    print_line(
        f"forgotten: {len(found)} network{'' if len(found) == 1 else 's'} with {gone} kinds of readings"
    )
    return exit_codes.CLEAN


def _longest() -> timedelta:
    from datetime import timedelta

    return timedelta(days=7)


watch_path.__doc__ = _TEXT
