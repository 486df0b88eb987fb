"""`tlsight bypass`: looking after what was decided: the page, the re-check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.numbers import finite
from detector.cli.output import Json


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
    from addons.review.server import Entrance
    from addons.review.server import serve as run

    named = forwarded(user_header, role_header, from_proxy or [], proxy_secret, group or [])
    entrance = Entrance(certificate, password_file, users, named, url, two_person)
    run(given.store_path(store), listen, entrance)
    return exit_codes.CLEAN


def recheck(
    proxy: Annotated[str, typer.Option(help="The mitmproxy, e.g. http://127.0.0.1:8080.")],
    timeout: Annotated[
        float, typer.Option(min=0.1, callback=finite, help="Seconds for each host.")
    ] = 10.0,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Probe the hosts of the rules, and say which rules are no longer needed."""
    from collections import Counter

    import msgspec

    from addons.cli.rechecking import rechecked

    with given.open_store(store) as opened:
        rules = [one.rule for one in opened.rules()]
        probes = Counter(
            one["rule"]
            for entry in opened.audit()
            if entry.action == "recheck"
            for one in msgspec.json.decode(entry.details)
        )
        traffic = opened.traffic
        found = rechecked(
            rules, traffic.uses(), probes, traffic.hosts(), proxy, timeout, given.now()
        )
        opened.note("recheck", proxy, [{"rule": one.pattern, "state": one.state} for one in found])
    for one in found:
        if json:
            given.print_json(one)
        else:
            given.say(f"{one.state:12} {one.pattern:40} {one.text}")
    return exit_codes.FOUND if any(one.state != "needed" for one in found) else exit_codes.CLEAN


def register(app: typer.Typer) -> None:
    for verb in (serve, recheck):
        app.command(verb.__name__)(verb)
