"""`tlsight agent service`: the files that make the agent a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from detector.cli.options import Argument, Option, Verbs
from detector.cli.shipping import ship


def service(
    kind: Annotated[
        str, Argument(help="systemd, settings, launchd, windows, docker, intune or ansible.")
    ],
    write: Annotated[
        Path | None,
        Option(help="Write them below this folder; / puts them where the system looks."),
    ] = None,
    command: Annotated[
        Path | None, Option(help="The tlsight that is started; this one when left out.")
    ] = None,
    force: Annotated[
        bool, Option("--force", help="Also over files that somebody changed.")
    ] = False,
) -> int:
    """Print the files that make the agent a service, or write them where they belong.

    systemd has a unit of the machine and one of the user. launchd, windows and intune were never run on such a system.
    """
    from detector.agent.service import KINDS, shipped

    return ship("agent service", kind, KINDS, shipped, command=command, write=write, force=force)


def register(app: Verbs) -> None:
    """Add the verb."""
    app.command("service")(service)
