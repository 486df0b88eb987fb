"""`tlsight doctor`: what of this machine keeps tlsight from an answer?"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

from detector.cli import exit_codes
from detector.cli.numbers import finite
from detector.cli.options import Option
from detector.cli.output import Json
from detector.cli.waiting import Waiting
from detector.cli.way import NoProxy, Proxy, routing

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
    from detector.doctor.examination import Examination

    examined = Examination(
        dict(os.environ),
        partial(routing, proxy, no_proxy=no_proxy),
        read_settings,
        shells=lambda: installed(Path.home()),
        offline=offline,
        seconds=timeout,
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


def read_settings() -> None:
    """As every verb would. Raises ConfigError."""
    from detector.cli.app import build, load_settings

    load_settings(os.environ, dict(build().commands))


doctor.__doc__ = _TEXT
