"""`tlsight bypass service`: the files that make it a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from detector.cli.options import Argument, Option, Verbs
from detector.cli.shipping import ship


def service(
    kind: Annotated[str, Argument(help="systemd, docker or logrotate.")],
    write: Annotated[
        Path | None,
        Option(help="Write them below this folder; / puts them where systemd looks."),
    ] = None,
    command: Annotated[
        Path | None, Option(help="The tlsight that units start; this one when left out.")
    ] = None,
    force: Annotated[
        bool, Option("--force", help="Also over files that somebody changed.")
    ] = False,
) -> int:
    """Print units, a Dockerfile or logrotate's settings, or write them where they belong."""
    from addons.service import KINDS, shipped

    return ship("bypass service", kind, KINDS, shipped, command=command, write=write, force=force)


def register(app: Verbs) -> None:
    app.command("service")(service)
