"""`tlsight bypass service`: the files that make it a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detector.cli.shipping import ship


def service(
    kind: Annotated[str, typer.Argument(help="systemd, docker or logrotate.")],
    write: Annotated[
        Path | None,
        typer.Option(help="Write them below this folder; / puts them where systemd looks."),
    ] = None,
    command: Annotated[
        Path | None, typer.Option(help="The tlsight that units start; this one when left out.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also over files that somebody changed.")
    ] = False,
) -> int:
    """Print units, a Dockerfile or logrotate's settings, or write them where they belong."""
    from addons.service import KINDS, shipped

    return ship("bypass service", kind, KINDS, shipped, command=command, write=write, force=force)


def register(app: typer.Typer) -> None:
    app.command("service")(service)
