"""The states that forms carry: what somebody saw when he decided."""

from __future__ import annotations

from datetime import datetime

from addons.bypass.matcher import Arrival
from addons.bypass.rule import Rule
from addons.store.bypass_store import BypassStore
from addons.store.listing import Nearby
from addons.store.stored import StoredCandidate, StoredRule
from detector.chain.names import as_address

GONE = {"rule": "is not there"}


def of_rule(one: StoredRule | None) -> dict[str, str]:
    """All that somebody can decide about a rule."""
    if one is None:
        return GONE
    rule = one.rule
    return {
        "rule": rule.pattern,
        "action": rule.action,
        "state": one.state,
        "ends": rule.until or "never",
        "trial ends": one.until.isoformat() if one.until is not None else "",
        "reason": rule.reason,
        "owner": rule.owner,
        "ticket": rule.ticket,
        "binding": rule.bind or "",
    }


def of_candidate(store: BypassStore, one: StoredCandidate, now: datetime) -> dict[str, str]:
    """What is decided about a candidate, and the rule that decides about its host."""
    candidate = one.candidate
    rule = deciding(store, candidate.host, candidate.port, now)
    return {
        "candidate": candidate.host,
        "state": one.state,
        "until": one.until.isoformat() if one.until is not None else "",
        "why": candidate.kind,
        "rule that decides": f"{rule.action} {rule.pattern}" if rule is not None else "none",
    }


def nearby(store: BypassStore) -> Nearby:
    """What decides: the store's rules, and those of feeds beneath them."""
    return Nearby(store.listing, store.feeds.rules())


def deciding(store: BypassStore, host: str, port: int, now: datetime) -> Rule | None:
    """The rule for connections to a host, whoever makes them."""
    address = host if as_address(host) is not None else None
    arrival = Arrival(None if address else host, host, address, port)
    return nearby(store).match(arrival, now)
