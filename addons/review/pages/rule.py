"""One rule: what it says, what passed by it, who made it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from addons.bypass.guarded import guarded
from addons.bypass.pattern import end
from addons.bypass.rule import Rule
from addons.bypass.safety import unsafe
from addons.review.foreseen import ending, remarks_on
from addons.review.pages import states
from addons.review.pages.rules import stage
from addons.review.second import ask, asked, is_asked, needs_another
from addons.review.stale import same, told
from addons.review.visit import Done, View, Visit, address
from detector.errors import ConfigError


def page(visit: Visit) -> View:
    """Also of a rule that is no longer there: its history is."""
    store, pattern = visit.store, visit.query("pattern", 2000)
    one = store.listing.one(pattern)
    history = store.past.about([pattern, *_names(pattern)], 30)
    if one is None:
        if not history:
            remedy = "/rules lists them"
            raise ConfigError(pattern, "no such rule, and never was", remedy=remedy)
        return View("no_rule.html", {"pattern": pattern, "history": history}, status=404)
    asks = visit.query("ask") in ("end", "remove")
    wishes = list(asked(store, one))
    days = (wish.expires for wish in wishes if not isinstance(wish.expires, datetime))
    return View(
        "rule.html",
        {
            "one": one,
            "stage": stage(visit, one),
            "use": store.listing.uses([pattern]).get(pattern),
            "hosts": store.passed.by_rule(pattern),
            "remarks": remarks_on(store, one.rule, visit.now),
            "history": history,
            "recheck": store.rechecks.all().get(pattern),
            "ask": visit.query("ask") if asks else "",
            "changes": ending(store, one.rule, visit.now) if asks else [],
            "shown": told(states.of_rule(one)),
            "wishes": wishes,
            "dangers": [finding.text for finding in unsafe(one.rule, guarded())],
            "soonest": visit.now.date() + timedelta(days=1),
            "usual": next(days, visit.now.date() + timedelta(days=90)),
        },
    )


def change(visit: Visit) -> Done:
    """What the path says. Raises ConfigError, StaleError."""
    verb = visit.request.path_params["verb"]
    deed = _DEEDS.get(verb)
    if deed is None:
        raise ConfigError(verb, "is nothing that can be done with a rule")
    pattern = visit.form.get("pattern", "")
    one = visit.store.listing.one(pattern)
    same(visit.form.get("shown", ""), states.of_rule(one))
    if one is None:
        raise ConfigError(pattern, "no such rule")
    return Done(*deed(visit, pattern))


def _end(visit: Visit, pattern: str) -> tuple[str, str]:
    visit.store.expire_rule(pattern, visit.field("reason"))
    return address("/rule", pattern=pattern), f"{pattern} has ended."


def _remove(visit: Visit, pattern: str) -> tuple[str, str]:
    visit.store.remove_rule(pattern, visit.field("reason"))
    return address("/rule", pattern=pattern), f"{pattern} is removed."


def _renew(visit: Visit, pattern: str) -> tuple[str, str]:
    store, until, why = visit.store, end(visit.field("expires"), visit.now), visit.field("reason")
    one = store.listing.one(pattern)
    assert one is not None
    _defend(visit, one.rule)
    if (
        visit.two_person
        and needs_another(one, until, visit.now)
        and not is_asked(store, one, until, store.by)
    ):
        ask(store, one, until, why)
        said = f"You ask that {pattern} goes on until {until}: another person who renews it until then, or less, does it."
        return address("/rule", pattern=pattern), said
    rule = store.renew_rule(pattern, until, why)
    return address("/rule", pattern=pattern), f"{pattern} goes on until {rule.until}."


def _approve(visit: Visit, pattern: str) -> tuple[str, str]:
    _defend(visit, visit.store.rule(pattern))
    rule = visit.store.approve_draft(pattern, by_another=visit.two_person)
    return address("/rule", pattern=pattern), f"{rule.action} {pattern}: in force."


def _defend(visit: Visit, rule: Rule) -> None:
    """Refuse what must not pass by accident, and is not meant. Raises ConfigError."""
    found = [finding.text for finding in unsafe(rule, guarded())]
    if found and not (visit.form.get("meant") and visit.person.may("administer")):
        why = " ".join(found).rstrip(".")
        raise ConfigError(rule.pattern, why, remedy="an admin can say that it is meant")


_DEEDS: dict[str, Callable[[Visit, str], tuple[str, str]]] = {
    "end": _end,
    "remove": _remove,
    "renew": _renew,
    "approve": _approve,
}


def _names(pattern: str) -> list[str]:
    """What a rule names, as rows and candidates write it: without conditions, and without its marks."""
    place = pattern.partition(" ")[0]
    before, _, port = place.rpartition(":")
    if before and port.isdecimal():
        place = before
    bare = place.strip("/") if place.startswith("/") else place.removeprefix("*").removeprefix(".")
    return [one for one in dict.fromkeys((place, bare)) if one and one != pattern]
