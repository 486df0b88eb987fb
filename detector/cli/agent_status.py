"""`tlsight agent status` and `tlsight agent events`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from detector.cli import exit_codes
from detector.cli.agent_run import Config
from detector.cli.options import Option, Verbs
from detector.cli.output import Json


def register(app: Verbs) -> None:
    """Add the verbs."""
    app.command("status")(status)
    app.command("events")(events)


def status(config: Config = None, json: Json = False) -> int:
    """Who this device is, what stands, when the next run is, how the sinks fare, and what it costs.

    Exit codes: 0 told, 2 usage, 4 no state, or one that cannot be read.
    """
    import msgspec

    from detector.agent.status import status as read
    from detector.agent.store import shown_folder
    from detector.report.agent_text import status_lines

    found = read(os.environ, shown_folder(os.environ), config)
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return exit_codes.CLEAN
    for line in status_lines(found):
        print(line)
    return exit_codes.CLEAN


def events(
    count: Annotated[
        int, Option("--count", "-n", min=1, max=100_000, help="How many, the newest.")
    ] = 20,
    json: Json = False,
) -> int:
    """The last events that are kept here, whether they were delivered or not.

    Exit codes: 0 told, 2 usage, 4 no state, or one that cannot be read.
    """
    from detector.agent.status import events as read
    from detector.agent.store import shown_folder
    from detector.report.agent_text import event_line
    from detector.report.event_json import encode_event

    for event in read(shown_folder(os.environ), count):
        if json:
            sys.stdout.buffer.write(encode_event(event) + b"\n")
        else:
            print(event_line(event))
    return exit_codes.CLEAN
