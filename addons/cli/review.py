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
        Path | None, typer.Option(help="File with the password; needed beyond loopback.")
    ] = None,
    store: given.Store = None,
) -> int:
    """Serve the review page: candidates, rules, audit, statistics."""
    from addons.review.server import serve as run

    run(given.store_path(store), listen, certificate, password_file)
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
