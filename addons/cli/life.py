"""`tlsight bypass due`: which rules end when, and who must act.

Output
------
With --json an object a line, schema tlsight.bypass-due/1; fields may be added, names and meaning stay:

    schema, pattern, action          the rule
    stage                            expiring, or ended (as long ago, at most, as --within looks ahead); approved beyond 14 days
    last_day, ends, days             the last day on which it is in force; the moment, in UTC, from which it is not; days left
    owner, reason, ticket            whose it is and why
    means, act                       what happens then; who must do what

Exit codes: 1 something is due, 0 nothing is. With --ics always 0: a calendar is no alarm.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.options import Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.bypass.due import Due
    from addons.store.bypass_store import BypassStore
    from addons.store.stored import StoredRule

SCHEMA = "tlsight.bypass-due/1"
# Nobody reads more, and each takes some milliseconds to write.
_MOST_EVENTS = 500


def due(
    within: Annotated[str, Option(help="So near, or so long past at most: 14d, 12h.")] = "14d",
    owner: Annotated[str | None, Option(help="Rules of this owner alone.")] = None,
    ics: Annotated[
        bool, Option("--ics", help="Print an iCalendar with alarms, for --within 400d, say.")
    ] = False,
    rules: given.Rules = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Say which rules end soon or have just ended, and who must act. Exit with 1 when there are any.

    With --ics the exit code is 0: a calendar is no alarm.
    """
    from addons.bypass.due import due as found_due
    from addons.bypass.pattern import span
    from detector.errors import ConfigError

    if ics and json:
        raise ConfigError("--ics", "is another form than --json", remedy="give one of them")
    length = span(within, "--within")
    with given.read_store(store) as opened:
        kept = kept_rules(rules, opened)
        found = [
            one
            for one in found_due(kept, given.now(), length)
            if owner is None or one.rule.owner == owner
        ]
        if ics:
            _print_calendar(found, opened)
            return exit_codes.CLEAN
    for one in found:
        if json:
            given.print_json(_record(one))
        else:
            _say(one)
    if not found and not json:
        given.say(f"nothing ends within {within}")
    return exit_codes.FOUND if found else exit_codes.CLEAN


def kept_rules(rules: Path | None, opened: BypassStore) -> list[StoredRule]:
    """Those of the file, which a person keeps by hand, and those of the store. Raises ConfigError, StoreError."""
    from addons.bypass.rule import load_rules
    from addons.store.stored import StoredRule

    path = given.rules_path(rules)
    by_hand = load_rules(path) if path is not None else ()
    return [*(StoredRule(0, one, "approved", None) for one in by_hand), *opened.rules(drafts=True)]


def _say(one: Due) -> None:
    from addons.bypass.due import when

    rule = one.rule
    given.say(f"{rule.until:18} {when(one.life):18} {rule.action:8} {rule.pattern}")
    given.say(f"{'':18} {one.act}; {one.means}" + (f" ({rule.reason})" if rule.reason else ""))


def _record(one: Due) -> dict[str, object]:
    rule = one.rule
    return {
        "schema": SCHEMA, "pattern": rule.pattern, "action": rule.action, "stage": one.life.stage,
        "last_day": one.last_day, "ends": one.life.ends, "days": one.life.days,
        "owner": rule.owner, "reason": rule.reason, "ticket": rule.ticket,
        "means": one.means, "act": one.act,
    }  # fmt: skip


def _print_calendar(found: list[Due], opened: BypassStore) -> None:
    from addons.cli.calendar import calendar
    from detector.cli.streams import write_file
    from detector.errors import ConfigError

    if len(found) > _MOST_EVENTS:
        left = len(found) - _MOST_EVENTS
        given.tell(f"the first {_MOST_EVENTS} ends are in the calendar, {left} later ones are not")
        found = found[:_MOST_EVENTS]
    origin, revisions = "", dict[str, int]()
    wanted = {one.rule.pattern for one in found}
    for entry in opened.audit() if opened.trail.is_there() else ():
        origin = origin or entry.digest
        if entry.subject in wanted:
            revisions[entry.subject] = entry.number
    try:
        made = calendar(found, given.now(), origin, revisions)
    except ModuleNotFoundError:
        remedy = "pip install 'tlsight[review]'"
        raise ConfigError("--ics", "needs the package icalendar", remedy=remedy) from None
    write_file(made)


def register(app: Verbs) -> None:
    app.command("due")(due)
