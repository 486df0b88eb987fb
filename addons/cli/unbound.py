"""`tlsight bypass unbound`: names that clients asked for where they are not."""

from __future__ import annotations

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.options import Verbs
from detector.cli.output import Json


def unbound(store: given.Store = None, json: Json = False) -> int:
    """Show connections that a rule would have passed, and that were inspected: their name is not at their address.

    One object a row with --json: name, where, rule, why, count, last.
    """
    import msgspec

    with given.read_store(store) as opened:
        found = opened.unbound.counts()
    for one in found:
        if json:
            given.print_json(msgspec.structs.asdict(one))
        else:
            given.say(f"{one.last:%Y-%m-%d %H:%M} {one.count:6} times, by {one.rule}: {one.why}")
    return exit_codes.CLEAN


def register(app: Verbs) -> None:
    """Put the verb under `tlsight bypass`."""
    app.command("unbound")(unbound)
