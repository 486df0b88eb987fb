"""`tlsight fleet serve`: all of a fleet in one process."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli.fleet_home import Database, Home
from detector.cli import exit_codes
from detector.cli.options import Option, Verbs

if TYPE_CHECKING:
    from addons.fleet.serving import Serving

_PORT = 4222


def serve(
    listen: Annotated[
        str, Option(help="ADDRESS:PORT for the bus, which agents dial.")
    ] = f"0.0.0.0:{_PORT}",
    name: Annotated[
        list[str] | None,
        Option(help="By which agents reach it: a name or address; this machine's when left out."),
    ] = None,
    certificate: Annotated[
        Path | None,
        Option(help="PEM with chain and key, in place of one of the fleet's own CA."),
    ] = None,
    ca: Annotated[
        Path | None,
        Option(
            help="PEM of what vouches for --certificate or --external; the system's roots when left out."
        ),
    ] = None,
    external: Annotated[
        str | None,
        Option(
            help="tls://HOST:PORT of a nats-server that you run with STORE/accounts.conf; none is started."
        ),
    ] = None,
    database: Database = None,
    room: Annotated[int, Option(min=1, max=100_000, help="GiB that the bus may take.")] = 20,
    fast: Annotated[
        bool,
        Option(
            "--fast",
            help="Tell the disk to keep what came every two minutes and not at once: ten times as many events a "
            "second, and a power cut may lose those of two minutes.",
        ),
    ] = False,
    store: Home = None,
) -> int:
    """The bus, enrolment, the lists' keeper and the collector, until it is ended."""
    import asyncio

    from addons.cli.fleet_home import open_home
    from addons.fleet.serving import Serving
    from detector.extras import demand

    demand("fleet serve", "nats", "fleet")
    host, port = _address(listen)
    if external is not None:
        _demand_url(external)
    home = open_home(store, make=True)
    how = Serving(
        host, port, tuple(name or ()), certificate, ca, external, room << 30, always=not fast
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_until_told(home.folder, how, database))
    return exit_codes.CLEAN


async def _until_told(folder: Path, how: Serving, where: str | None) -> None:
    """SIGTERM ends it in order, as Ctrl-C does."""
    import asyncio
    import os
    import signal
    from contextlib import suppress

    from addons.cli import given
    from addons.fleet.collector import collect
    from addons.fleet.database import default_database, open_database
    from addons.fleet.home import FleetHome
    from addons.fleet.serving import serve as serving
    from detector import clock

    database = await open_database(where or default_database(os.environ))
    try:
        work = asyncio.ensure_future(
            serving(
                FleetHome(folder), how, os.environ, clock.now, given.tell,
                lambda link: collect(link.client, database, say=given.tell),
            )
        )  # fmt: skip
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        with suppress(asyncio.CancelledError):
            await work
    finally:
        await database.close()


def register(app: Verbs) -> None:
    app.command("serve")(serve)


def _address(listen: str) -> tuple[str, int]:
    from detector.errors import ConfigError, TargetError
    from detector.model.targets import split_port

    try:
        host, port = split_port(listen)
    except TargetError:
        host, port = "", None
    if not host:
        raise ConfigError("--listen", f"{listen!r} is no ADDRESS:PORT")
    return host.strip("[]"), port or _PORT


def _demand_url(url: str) -> None:
    from detector.agent.membership import is_server
    from detector.errors import ConfigError

    if not is_server(url):
        raise ConfigError("--external", f"{url!r} is no tls://HOST:PORT")
