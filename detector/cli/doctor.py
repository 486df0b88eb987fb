"""`tlsight doctor`: what of this machine keeps tlsight from an answer?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from detector.cli import exit_codes
from detector.cli.numbers import finite
from detector.cli.options import Option
from detector.cli.output import Json
from detector.cli.waiting import Waiting
from detector.cli.way import NoProxy, Proxy, routing

if TYPE_CHECKING:
    from detector.doctor.asking import SetWay
    from detector.doctor.examination import Examination
    from detector.net.routes import Routing

_TEXT = """
Look at everything that answers rest on: versions, tables, settings, stores, trust, proxies, the network, the clock.

A problem makes answers wrong, old or impossible, and has the command that mends it. Nothing is changed, and no
password is shown.

Examples

  tlsight doctor
  tlsight doctor --offline             ask nothing on the network
  tlsight doctor --json | jq '.findings[] | select(.level == "problem")'

Exit codes: 0 no problem, 1 a problem, 2 usage, 4 cannot write.
"""


def doctor(
    offline: Annotated[
        bool, Option("--offline", help="Ask nothing on the network.")
    ] = False,
    proxy: Proxy = None,
    no_proxy: NoProxy = False,
    timeout: Annotated[
        float, Option(min=0.05, max=60, callback=finite, help="Seconds for each answer.")
    ] = 3.0,
    json: Json = False,
) -> int:  # fmt: skip
    from detector.cli.shells import installed

    way = partial(routing, proxy, no_proxy=no_proxy)
    examined = examination(
        way, "doctor", shells=lambda: installed(Path.home()), offline=offline, seconds=timeout
    )
    waiting = Waiting("looking at {}", shown=not json)
    with waiting, ExitStack() as now:

        def tell(part: str) -> None:
            now.close()
            now.enter_context(waiting.on(part))

        found = examined.run(tell)
    if json:
        from detector.cli.streams import write_json

        write_json(found)
    else:
        from detector.report.check_text import stdout_console
        from detector.report.doctor_text import render

        stdout_console().print(render(found))
    return exit_codes.FOUND if found.problems else exit_codes.CLEAN


def examination(way: Callable[[], Routing], verb: str, **how: Any) -> Examination:
    """Who examines this machine for a verb, whose own way is `way`; the ways of all others are told beside it.

    Args:
        way: may raise what TlsightError is.
        verb: whoever asks; what its settings say of a way is in `way` already.
        how: what else Examination takes.

    """
    from detector.doctor.examination import Examination

    settings: dict[str, Any] = {}
    return Examination(
        dict(os.environ),
        way,
        lambda: settings.update(read_settings()),
        named=lambda: tuple(ways_of(settings, verb)),
        **how,
    )


def read_settings() -> dict[str, Any]:
    """As every verb would. Raises ConfigError."""
    from detector.cli.app import build, load_settings

    return load_settings(os.environ, dict(build().commands))


def ways_of(settings: dict[str, Any], own: str, above: str = "") -> Iterator[SetWay]:
    """Ways that settings name, each for its verb alone; those of `own` are its options already."""
    from detector.doctor.asking import SetWay
    from detector.net.routes import Routing

    for name, table in settings.items():
        if not isinstance(table, dict) or (not above and name == own):
            continue
        verb = f"{above} {name}".strip()
        setting = f"[{verb.replace(' ', '.')}]"
        trust = Path(table["roots"]) if table.get("roots") else None
        if table.get("no_proxy"):
            yield SetWay(verb, f"{setting} no-proxy", Routing)
        elif proxy := table.get("proxy"):
            named_by = f"{setting} proxy"
            way = partial(routing, str(proxy), no_proxy=False, trust=trust, named_by=named_by)
            yield SetWay(verb, named_by, way)
        yield from ways_of(table, own, verb)


doctor.__doc__ = _TEXT
