"""`tlsight bypass`: the page on which candidates are decided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from addons.cli import given
from detector.cli import exit_codes


def serve(
    listen: Annotated[
        str, typer.Option(help="ADDRESS:PORT; 0 for any free port.")
    ] = "127.0.0.1:8090",
    certificate: Annotated[
        Path | None, typer.Option(help="PEM with certificate and key; needed beyond loopback.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password; needed beyond loopback.")
    ] = None,
    store: given.Store = None,
) -> int:
    """Serve the review page: candidates, rules, audit, statistics."""
    from addons.review.server import serve as run

    run(given.store_path(store), listen, certificate, password_file)
    return exit_codes.CLEAN


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)
