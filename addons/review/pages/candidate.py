"""One candidate: its evidence, how far a rule would reach, and the decision."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from markupsafe import Markup

from addons.bypass.attempt import REMEDIES, classify
from addons.bypass.coverage import foretold
from addons.bypass.guarded import guarded
from addons.bypass.pattern import end
from addons.bypass.rule import RuleRow, rule_of
from addons.bypass.safety import unsafe
from addons.bypass.scope import scopes
from addons.bypass.wide import is_wide
from addons.review import charts
from addons.review.badges import ALTERNATIVES, OF_CANDIDATE, OF_CLASS
from addons.review.foreseen import seen_hosts
from addons.review.pages import states
from addons.review.stale import same, told
from addons.review.visit import Done, View, Visit, address, whole
from addons.store.stored import StoredCandidate
from detector.chain.names import is_below, registrable_domain
from detector.errors import ConfigError

_SHOWN = 50


def page(visit: Visit) -> View:
    """Everything that helps to decide."""
    store, now = visit.store, visit.now
    host = visit.request.path_params["host"]
    found = store.known(host)
    others = [one.candidate for one in store.candidates("pending")]
    seen, leaves = seen_hosts(store), store.leaves.all()
    above = registrable_domain(host) or host
    proposed = scopes(found.candidate, others, [one for one in seen if is_below(one, above)])
    rules = states.nearby(store)
    attempts = [(a, classify(a)) for a in store.traffic.attempts(host, _SHOWN)]
    days = store.traffic.classes(host, visit.day(30))
    return View(
        "candidate.html",
        {
            "one": found,
            "badge": OF_CANDIDATE[found.candidate.kind],
            "scopes": [
                (one, foretold(rule_of(one.row), rules, leaves, seen, now)) for one in proposed
            ],
            "deciding": states.deciding(store, host, found.candidate.port, now),
            "attempts": [(a, kind, REMEDIES[kind], OF_CLASS[kind]) for a, kind in attempts[::-1]],
            "timeline": Markup(charts.timeline(days, f"Attempts on {host} by day")),  # noqa: S704 (escaped there)
            "remedies": ALTERNATIVES[found.candidate.kind],
            "history": store.past.about([host], 20),
            "soonest": now.date() + timedelta(days=1),
            "usual": now.date() + timedelta(days=90),
            "shown": told(states.of_candidate(store, found, now)),
        },
    )


def decide(visit: Visit) -> Done:
    """Approve, reject or snooze, as the path says. Raises ConfigError, StaleError."""
    host, verb = visit.request.path_params["host"], visit.request.path_params["verb"]
    store = visit.store
    if verb not in ("approve", "reject", "snooze"):
        raise ConfigError(verb, "is nothing that can be decided")
    found = store.known(host)
    same(visit.form.get("shown", ""), states.of_candidate(store, found, visit.now))
    if verb == "approve":
        pattern, said = _approve(visit, host)
        return Done(address("/rule", pattern=pattern), f"{pattern} {said}")
    if verb == "reject":
        store.reject(host, visit.field("reason"))
        return Done("/candidates", f"{host} stays inspected.")
    days = whole(visit.form.get("days", "7"), "days", 1, 365)
    store.snooze(host, visit.now + timedelta(days=days))
    return Done("/candidates", f"{host} comes back in {days} days.")


def _approve(visit: Visit, host: str) -> tuple[str, str]:
    """The rule, and what became of it."""
    store = visit.store
    found = store.known(host)
    others = [one.candidate for one in store.candidates("pending")]
    proposed = scopes(found.candidate, others, ())
    chosen = next((one for one in proposed if one.pattern == visit.form.get("scope")), None)
    if chosen is None:
        raise ConfigError("scope", "choose one of those proposed")
    row = msgspec.structs.replace(
        chosen.row,
        owner=visit.field("owner", 200),
        reason=visit.field("reason"),
        ticket=visit.field("ticket", 200),
        expires=end(visit.field("expires"), visit.now),
    )
    for finding in unsafe(rule_of(row), guarded()):
        remedy = "bypass approve --force can"
        raise ConfigError(chosen.pattern, finding.text.rstrip("."), remedy=remedy)
    if visit.two_person and is_wide(rule_of(row)):
        return store.draft_rule(
            _full(found, row, visit)
        ).pattern, "waits for another person to approve it."
    return store.approve(host, row).pattern, "passes from now on."


def _full(found: StoredCandidate, row: RuleRow, visit: Visit) -> RuleRow:
    """As the store keeps one that was approved, for a draft."""
    about = f"{found.candidate.kind}: {found.candidate.text}"
    return msgspec.structs.replace(row, created=visit.now.date(), evidence=row.evidence or about)
