"""`tlsight bypass`: looking after what was decided: the page, the audit trail, the re-check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.numbers import finite
from detector.cli.output import Json

audit = typer.Typer(
    no_args_is_help=True, help="Who decided what, and whether the trail was changed."
)


@audit.command("list")
def audit_list(store: given.Store = None, json: Json = False) -> int:
    """List the decisions, the first first."""
    with given.open_store(store) as opened:
        for entry in opened.audit():
            if json:
                given.print_json(entry)
            else:
                print(
                    f"{entry.number:5} {entry.at} {entry.by:16} {entry.action:10} {entry.subject}"
                )
    return exit_codes.CLEAN


@audit.command("verify")
def audit_verify(
    head: Annotated[
        str | None, typer.Option(help="A digest printed earlier, which must be in the trail.")
    ] = None,
    store: given.Store = None,
) -> int:
    """Exit with 0 when no entry was changed, added between, or taken away."""
    from addons.bypass.audit import GENESIS, first_break

    with given.open_store(store) as opened:
        entries = list(opened.audit())
    wrong = first_break(entries)
    if wrong is None and head is not None and head not in {e.digest for e in entries}:
        wrong = "the digest given is not in the trail: entries were cut off"
    if wrong is not None:
        print(wrong)
        return exit_codes.FOUND
    print(
        f"{len(entries)} entries hold; the last digest is {entries[-1].digest if entries else GENESIS}"
    )
    return exit_codes.CLEAN


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
        found = rechecked(rules, opened.traffic.uses(), probes, proxy, timeout, given.today())
        opened.note("recheck", proxy, [{"rule": one.pattern, "state": one.state} for one in found])
    for one in found:
        if json:
            given.print_json(one)
        else:
            print(f"{one.state:12} {one.pattern:40} {one.text}")
    return exit_codes.FOUND if any(one.state != "needed" for one in found) else exit_codes.CLEAN


def register(app: typer.Typer) -> None:
    app.add_typer(audit, name="audit")
    for verb in (serve, recheck):
        app.command(verb.__name__)(verb)
