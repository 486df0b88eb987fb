"""What happens to a host: the decision, the rule and who made it, the evidence, and what else could be done."""

from __future__ import annotations

from markupsafe import Markup

from addons.bypass.attempt import REMEDIES
from addons.bypass.explained import explained
from addons.bypass.matcher import Matcher
from addons.bypass.pattern import arrival
from addons.review import charts
from addons.review.badges import ALTERNATIVES, OF_CLASS
from addons.review.foreseen import fitting, seen_hosts
from addons.review.rule_files import rule_files
from addons.review.visit import View, Visit, whole
from detector.errors import ConfigError, TargetError

_BESIDES, _CLASSES = 12, 6


def page(visit: Visit) -> View:
    """The same answer as `tlsight bypass explain`; a form alone where nothing was asked."""
    asked = {name: visit.query(name, 300) for name in ("host", "port", "client", "address")}
    if not asked["host"]:
        return View("host.html", {"asked": asked, "found": None, "problem": ""})
    try:
        return View("host.html", {"asked": asked, "problem": "", **_answer(visit, asked)})
    except (TargetError, ConfigError) as error:
        values = {"asked": asked, "found": None, "problem": str(error)}
        return View("host.html", values, status=400)


def _answer(visit: Visit, asked: dict[str, str]) -> dict[str, object]:
    store, now = visit.store, visit.now
    port = whole(asked["port"], "port", 1, 65535) if asked["port"] else None
    connection = arrival(asked["host"], port, asked["client"] or None, asked["address"] or None)
    by_hand, unreadable = rule_files(store, now)
    near = store.listing.near(connection)
    beneath = store.feeds.rules()
    found = explained(Matcher([*by_hand, *(one.rule for one in near)], beneath), connection, now)
    rule, name = found.rule, connection.host or ""
    own = [one for one in (name, asked["address"]) if one]
    besides = [one for one in fitting(rule, seen_hosts(store)) if one != name] if rule else []
    candidate = store.candidate(name)
    days = store.traffic.classes(name, visit.day(30))
    counts: dict[str, int] = {}
    for of_day in days.values():
        for kind, count in of_day.items():
            counts[kind] = counts.get(kind, 0) + count
    often = sorted(counts.items(), key=lambda one: -one[1])[:_CLASSES]
    stored = {one.rule.pattern for one in near}
    return {
        "found": found,
        "name": name,
        "port": connection.port,
        "feed": rule is not None and any(rule is one for one in beneath),
        "in_file": rule is not None and rule.pattern not in stored,
        "made": store.past.about([rule.pattern], 5) if rule else [],
        "own": store.proxies.own(own, connection.port, now) if found.action == "inspect" else [],
        "unreadable": unreadable,
        "besides": besides[:_BESIDES],
        "more": max(0, len(besides) - _BESIDES),
        "candidate": candidate,
        "alternatives": ALTERNATIVES[candidate.candidate.kind] if candidate else (),
        "classes": [(kind, n, REMEDIES[kind], OF_CLASS[kind]) for kind, n in often],  # type: ignore[index]
        "timeline": Markup(charts.timeline(days, f"Attempts on {name} by day")),  # noqa: S704 (escaped there)
        "passed": store.passed.to(name, visit.day(30)),
        "history": store.past.about([name], 10),
    }
