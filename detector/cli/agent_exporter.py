"""`tlsight agent exporter`: what Prometheus scrapes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from detector.cli.ending import say
from detector.cli.groups import grouped
from detector.cli.knowledge import KnowledgeOptions
from detector.cli.options import Option, Verbs


def register(app: Verbs) -> None:
    """Add the verb."""
    app.command("exporter")(exporter)


@grouped
def exporter(
    compare: KnowledgeOptions,
    listen: Annotated[
        str, Option(metavar="ADDRESS:PORT", help="Where to listen.", envvar="TLSIGHT_LISTEN")
    ] = "127.0.0.1:9219",
    modules: Annotated[
        Path | None,
        Option(
            "--modules",
            metavar="FILE",
            help="TOML file of ways to probe: [[module]] with name, timeout, starttls, proxy, targets, inner, allow-sanctioned.",
        ),
    ] = None,
    targets: Annotated[
        Path | None,
        Option(
            "--targets",
            metavar="FILE",
            help="Hosts that may be asked, a pattern a line; needed where others can ask.",
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        Option(
            "--name",
            metavar="HOST",
            help="Name that scrapers ask this machine by, where it is no address; may be repeated.",
        ),
    ] = None,
    concurrency: Annotated[int, Option(min=1, max=256, help="Probes under way at once.")] = 8,
) -> int:
    """Answer /metrics with the agent's state, and /probe?target=HOST[:PORT]&module=tls with who answers there.

    The names of series are those that blackbox_exporter (probe_...) and ssl_exporter (ssl_...) have, and ours (tlsight_...).

    Exit codes: 2 settings that cannot be used.
    """
    import asyncio
    import os
    import platform
    import signal
    from contextlib import suppress
    from functools import partial

    from detector.agent.exporter import Exporter, check_openness, load_modules, load_targets
    from detector.agent.store import shown_folder
    from detector.net.answering import serve

    ways = load_modules(modules)
    allowed = load_targets(targets) if targets is not None else ()
    check_openness(listen, ways, allowed)

    async def live(opened: Exporter) -> None:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if task is not None:
            loop.add_signal_handler(signal.SIGTERM, task.cancel)
        names = (platform.node(), *(name or ()))
        with suppress(asyncio.CancelledError):
            await serve(listen, opened.answer, names=names, ready=partial(_told, listen))

    with compare.opened() as opened:
        asyncio.run(
            live(
                Exporter(
                    shown_folder(os.environ), lambda: opened.knowledge, ways, allowed, concurrency
                )
            )
        )
    return 0


def _told(listen: str, port: int) -> None:
    say(f"listening on {listen.rpartition(':')[0]}:{port}")
