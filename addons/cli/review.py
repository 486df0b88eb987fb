"""`tlsight bypass`: the page on which candidates are decided."""

from __future__ import annotations

from typing import Annotated

from addons.cli import given
from addons.cli.entrance import EntranceOptions
from detector.cli import exit_codes
from detector.cli.groups import grouped
from detector.cli.options import Option, Verbs


@grouped
def serve(
    entrance: EntranceOptions,
    listen: Annotated[str, Option(help="ADDRESS:PORT; 0 for any free port.")] = "127.0.0.1:8090",
    two_person: Annotated[
        bool, Option("--two-person", help="What is wide takes two people who approve.")
    ] = False,
    store: given.Store = None,
) -> int:
    """Serve the review page: candidates, rules, audit, statistics."""
    from detector.extras import demand

    demand("bypass serve", "uvicorn", "review")
    from addons.review.server import serve as run

    run(given.store_path(store), listen, entrance.entrance(two_person=two_person))
    return exit_codes.CLEAN


def register(app: Verbs) -> None:
    app.command("serve")(serve)
