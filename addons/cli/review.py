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
        Path | None, typer.Option(help="File with one password for all.")
    ] = None,
    users: Annotated[
        Path | None,
        typer.Option(help="File of named users; review-users beside the store when it is there."),
    ] = None,
    two_person: Annotated[
        bool, typer.Option("--two-person", help="What is wide takes two people who approve.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="The page's URL in browsers, behind a reverse proxy.")
    ] = None,
    user_header: Annotated[
        str | None, typer.Option(help="Header in which a reverse proxy names who has logged in.")
    ] = None,
    role_header: Annotated[
        str | None, typer.Option(help="Header in which it lists his groups, or his role.")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="GROUP=ROLE of that header; may be repeated.")
    ] = None,
    from_proxy: Annotated[
        list[str] | None, typer.Option(help="Address of the reverse proxy; may be repeated.")
    ] = None,
    proxy_secret: Annotated[
        Path | None, typer.Option(help="File with what it sends as X-Tlsight-Proxy-Secret.")
    ] = None,
    store: given.Store = None,
) -> int:
    """Serve the review page: candidates, rules, audit, statistics."""
    from addons.review.forwarded import forwarded
    from addons.review.server import serve as run
    from addons.review.serving import Entrance

    named = forwarded(user_header, role_header, from_proxy or [], proxy_secret, group or [])
    entrance = Entrance(certificate, password_file, users, named, url, two_person)
    run(given.store_path(store), listen, entrance)
    return exit_codes.CLEAN


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)
