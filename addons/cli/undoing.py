"""`tlsight bypass undo`, `history`, `renew`: decisions that can be looked at, taken back, and prolonged."""

from __future__ import annotations

from typing import Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json

Pattern = Annotated[str, Argument(help="As bypass list shows it.")]


def undo(
    number: Annotated[
        int, Argument(min=1, help="Of the entry: tlsight bypass history and audit show it.")
    ],
    reason: given.Why = "",
    store: given.Store = None,
) -> int:
    """Take back what an entry of the trail decided, an import whole; refused where a rule was decided on since."""
    with given.open_store(store) as opened:
        changed = opened.undo(number, reason)
    given.say(f"undone: {changed} {'rule' if changed == 1 else 'rules'} as before entry {number}")
    return exit_codes.CLEAN


def history(
    subject: Annotated[str, Argument(help="A host, or a pattern as bypass list shows it.")],
    store: given.Store = None,
    json: Json = False,
) -> int:
    """List all that was decided about a host or a rule, and by whom."""
    with given.read_store(store) as opened:
        found = opened.history(subject)
    for one in found:
        if json:
            given.print_json(one)
        else:
            given.say(f"{one.number:6} {one.at} {one.by:12} {one.action:14} {one.subject}")
    return exit_codes.CLEAN if found else exit_codes.FOUND


def renew(
    pattern: Pattern,
    expires: given.Expires,
    reason: given.Why = "",
    force: given.Force = False,
    store: given.Store = None,
) -> int:
    """Give a rule another end; its history stays."""
    from addons.bypass.pattern import end

    with given.open_store(store) as opened:
        given.defend(opened.rule(pattern), force=force)
        rule = opened.renew_rule(pattern, end(expires, given.now()), reason)
    given.say(f"{rule.pattern} until {rule.until}")
    return exit_codes.CLEAN


def draft(
    pattern: Pattern,
    other_person: Annotated[
        bool, Option("--other-person", help="Refuse the one who wrote it.")
    ] = False,
    force: given.Force = False,
    store: given.Store = None,
) -> int:
    """Approve a rule that waits as a draft."""
    with given.open_store(store) as opened:
        given.defend(opened.rule(pattern), force=force)
        rule = opened.approve_draft(pattern, by_another=other_person)
    given.say(f"{rule.action} {rule.pattern}")
    return exit_codes.CLEAN


def register(app: Verbs) -> None:
    for verb in (undo, history, renew):
        app.command(verb.__name__)(verb)
    app.command("approve-draft")(draft)
