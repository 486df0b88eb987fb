"""A rule by hand: a form, then what it would do, then the rule."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from addons.bypass.pattern import end, row_of
from addons.bypass.rule import Action, Bind, RuleRow
from addons.bypass.wide import is_wide
from addons.review.foreseen import Foreseen, foreseen
from addons.review.pages import states
from addons.review.stale import same, told
from addons.review.visit import Done, View, Visit, address, whole
from addons.store.bypass_store import normal_rule
from detector.errors import ConfigError, TargetError

_FIELDS = (
    "pattern", "action", "port", "client", "ja4", "owner", "reason", "ticket", "expires", "bind",
)  # fmt: skip


def page(visit: Visit) -> View:
    """The form; the address may fill a field."""
    given = {name: visit.query(name) for name in _FIELDS}
    return _form(visit, given, "")


def add(visit: Visit) -> View | Done:
    """What was filled in, shown before it is done; or done, where it was shown and is the same."""
    given = {name: visit.form.get(name, "").strip() for name in _FIELDS}
    try:
        row = _row(visit)
        rule, row = normal_rule(row)
    except (ConfigError, TargetError) as error:
        return _form(visit, given, str(error), status=400)
    found = foreseen(visit.store, rule, visit.now)
    state = _state(visit, row, found)
    if "shown" in visit.form:
        same(visit.form["shown"], state)
        if found.errors and not (visit.form.get("meant") and visit.person.may("administer")):
            why = found.errors[0].text.rstrip(".")
            raise ConfigError(rule.pattern, why, remedy="an admin can say that it is meant")
        if visit.two_person and is_wide(rule):
            visit.store.draft_rule(row)
            said = f"{rule.pattern} waits for another person to approve it."
            return Done(address("/rule", pattern=rule.pattern), said)
        visit.store.add_rule(row)
        return Done(address("/rule", pattern=rule.pattern), f"{rule.action} {rule.pattern}: added.")
    there = visit.store.listing.one(rule.pattern)
    if there is not None:
        where = f"{rule.pattern} is there already, and says {there.rule.action}: end or renew that"
        return _form(visit, given, where, status=400)
    values = {"rule": rule, "given": given, "found": found, "shown": told(state)}
    return View("planned.html", values)


def _form(visit: Visit, given: dict[str, str], problem: str, status: int = 200) -> View:
    return View(
        "add.html",
        {
            "given": given,
            "problem": problem,
            "actions": get_args(Action),
            "binds": get_args(Bind),
            "soonest": visit.now.date() + timedelta(days=1),
            "usual": visit.now.date() + timedelta(days=90),
        },
        status,
    )


def _row(visit: Visit) -> RuleRow:
    """Of the form. Raises ConfigError, TargetError."""
    pattern = visit.field("pattern", 1000)
    if not pattern:
        raise ConfigError("pattern", "is missing")
    for name in ("owner", "reason", "expires"):
        if not visit.field(name):
            raise ConfigError(name, "is missing", remedy="a rule must be defended")
    port = visit.field("port")
    return row_of(
        pattern,
        action=visit.field("action") or "pass",
        port=whole(port, "port", 1, 65535) if port else None,
        client=visit.field("client") or None,
        ja4=visit.field("ja4") or None,
        owner=visit.field("owner", 200),
        reason=visit.field("reason"),
        ticket=visit.field("ticket", 200) or None,
        bind=visit.field("bind") or None,
        expires=end(visit.field("expires"), visit.now),
        created=visit.now.date(),
    )


def _state(visit: Visit, row: RuleRow, found: Foreseen) -> dict[str, str]:
    """The rule and what it would do, as it was shown."""
    rule, _ = normal_rule(row)
    there = states.of_rule(visit.store.listing.one(rule.pattern))
    return {
        "pattern": rule.pattern,
        "action": rule.action,
        "ends": rule.until,
        "reason": rule.reason,
        "owner": rule.owner,
        "ticket": rule.ticket,
        "binding": rule.bind or "",
        "a rule for the same": there["rule"],
        "remarks": " ".join(one.text for one in found.remarks),
        "hosts that change": ", ".join(f"{one.host} {one.before}" for one in found.changes),
    }
