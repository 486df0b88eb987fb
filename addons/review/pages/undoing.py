"""Taking back what an entry of the trail decided: first what that changes, then the deed."""

from __future__ import annotations

from addons.bypass.change import Change, undoing
from addons.bypass.ledger import BadEntryError
from addons.review.second import held
from addons.review.stale import same, told
from addons.review.visit import Done, View, Visit, whole
from detector.errors import ConfigError

_SHOWN = 30


def page(visit: Visit) -> View:
    """What the entry changed, and what taking it back would change."""
    number = whole(visit.query("entry"), "entry", 1, 10**9)
    entries = list(visit.store.audit())
    why = ""
    changes: tuple[Change, ...] = ()
    first = number
    try:
        found = undoing(entries, number)
        changes, first = found.changes, found.first
        if visit.two_person:
            changes = tuple(held(one, visit.now) for one in changes)
        if not changes or found.action in ("accept", "adopt"):
            why = f"{found.action} changed no rule: there is nothing to take back."
    except (ConfigError, BadEntryError) as error:
        if not 1 <= number <= len(entries):
            raise ConfigError(
                f"entry {number}", "no such entry", remedy="/audit lists them"
            ) from None
        why = f"It cannot be undone: {error}"
    return View(
        "undo.html",
        {
            "entry": entries[first - 1],
            "first": first,
            "why": why,
            "changes": [(one.pattern, _said(one)) for one in changes[:_SHOWN]],
            "count": len(changes),
            "shown": told({"entry": entries[first - 1].digest, "rules": str(len(changes))}),
        },
    )


def undo(visit: Visit) -> Done:
    """Raises ConfigError where somebody has decided on one of the rules since."""
    number = whole(visit.form.get("entry", ""), "entry", 1, 10**9)
    entries = list(visit.store.audit())
    try:
        found = undoing(entries, number)
    except BadEntryError as error:
        raise ConfigError(f"entry {number}", str(error)) from None
    state = {"entry": entries[found.first - 1].digest, "rules": str(len(found.changes))}
    same(visit.form.get("shown", ""), state)
    waiting: list[str] = []

    def hold(one: Change) -> Change:
        kept = held(one, visit.now) if visit.two_person else one
        if kept is not one:
            waiting.append(one.pattern)
        return kept

    count = visit.store.undo(number, visit.field("reason"), hold)
    said = f"Entry {found.first} is undone: {count:,} rules are as before it."
    if waiting:
        said += f" Of them {len(waiting):,} wait for another person's approval."
    return Done("/audit", said)


def _said(one: Change) -> str:
    if one.after is None:
        return "is removed"
    row = one.after.row
    what = f"{row.action}, until {row.expires or 'no end'}" if row is not None else "as it was"
    if one.after.state == "draft":
        return f"waits for an approval: {what}"
    if one.before is None:
        return f"comes back: {what}"
    return f"is again: {one.after.state}, {what}"
