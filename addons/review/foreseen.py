"""What a rule that is not there yet, or that ends, would do: lint's words, and the hosts for which something changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from addons.bypass.coverage import foretold
from addons.bypass.guarded import guarded
from addons.bypass.lint import exempted, lint
from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.reach import holds, is_any_host
from addons.bypass.remark import Remark
from addons.bypass.rule import Rule
from addons.review.pages.states import nearby
from addons.store.bypass_store import BypassStore
from detector.chain.names import as_address

# Hosts that are asked about one by one.
MOST = 300


class Change(NamedTuple):
    """A host of the traffic, and what happens to it now and then."""

    host: str
    before: str
    after: str


class Foreseen(NamedTuple):
    """What a rule would do.

    Attributes:
        remarks: lint's; an error needs somebody who means it.
        changes: up to MOST of them.
        fitting: hosts of the traffic that its pattern fits.

    """

    remarks: list[Remark]
    changes: list[Change]
    fitting: int

    @property
    def errors(self) -> list[Remark]:
        return [one for one in self.remarks if one.severity == "error"]


def seen_hosts(store: BypassStore) -> list[str]:
    """Names of the traffic, also of that which passed and was never tried otherwise; the busiest first."""
    return list(dict.fromkeys((*store.traffic.hosts(), *store.passed.hosts())))


def fitting(rule: Rule, seen: Sequence[str]) -> list[str]:
    """Which names of the traffic a rule's pattern fits; most are no name that it could fit, and soon told."""
    if rule.network is not None:
        seen = [name for name in seen if name[-1:].isdigit() or ":" in name]
    elif rule.regex is None and not is_any_host(rule):
        seen = [name for name in seen if holds(rule, name)]
    return exempted(rule, seen)


def foreseen(store: BypassStore, rule: Rule, now: datetime) -> Foreseen:
    """Of a rule that is added. Raises StoreError."""
    seen = seen_hosts(store)
    deciding = nearby(store)
    fits = fitting(rule, seen)
    changes = [
        Change(host, before, rule.action)
        for host in fits[:MOST]
        if (before := _action(deciding.match(_arrival(host, rule), now))) != rule.action
    ]
    hidden = (
        foretold(rule, deciding, store.leaves.all(), seen, now) if rule.action == "pass" else ""
    )
    remarks = remarks_on(store, rule, now)
    if hidden:
        remarks.append(Remark(rule, "covers-inspected", "warning", hidden))
    return Foreseen(remarks, changes, len(fits))


def ending(store: BypassStore, rule: Rule, now: datetime) -> list[Change]:
    """For which hosts something changes when the rule is no more."""
    changes: list[Change] = []
    beneath = Matcher(store.feeds.rules())
    for host in fitting(rule, seen_hosts(store))[:MOST]:
        arrival = _arrival(host, rule)
        near = [one.rule for one in store.listing.near(arrival)]
        left = [one for one in near if one.pattern != rule.pattern]
        before, after = (
            _action(Matcher(own).match(arrival, now) or beneath.match(arrival, now))
            for own in (near, left)
        )
        if before != after:
            changes.append(Change(host, before, after))
    return changes


def remarks_on(store: BypassStore, rule: Rule, now: datetime) -> list[Remark]:
    """Lint's, with the rules beside it that could bear on it."""
    around: dict[int, Rule] = {}
    name = rule.host or rule.suffix or rule.wildcard
    address = str(rule.network.network_address) if rule.network is not None else None
    for one in store.listing.near(Arrival(name, name, address, rule.port or 443)):
        around[one.id] = one.rule
    if rule.suffix or rule.wildcard:
        for one in store.listing.below(f".{name}"):
            around[one.id] = one.rule
    others = [around[number] for number in sorted(around) if around[number].pattern != rule.pattern]
    return [one for one in lint([*others, rule], now, guarded=guarded()) if one.rule is rule]


def _action(rule: Rule | None) -> str:
    return rule.action if rule is not None else "inspect"


def _arrival(host: str, rule: Rule) -> Arrival:
    """A connection to the host as the rule would meet it."""
    address = host if as_address(host) is not None else None
    client = str(rule.client.network_address) if rule.client is not None else None
    return Arrival(None if address else host, host, address, rule.port or 443, client, rule.ja4)
