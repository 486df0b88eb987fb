"""Which hosts a rule can be proved with: its own name, or names of the traffic seen for which it decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.reach import has_ended
from addons.bypass.rule import Rule
from detector.chain.names import as_address
from detector.model.observation import Target

HTTPS = 443
# Of one rule: the busiest names tell as much as all of them.
NAMES_A_RULE = 3


class Provable(msgspec.Struct, frozen=True):
    """A rule that passes, and whom to ask for it.

    Attributes:
        targets: none where nobody is known.
        why: then why, and what to do about it.

    """

    rule: Rule
    targets: tuple[Target, ...]
    why: str = ""


def provable(rules: Sequence[Rule], seen: Iterable[str], now: datetime) -> list[Provable]:
    """Every rule in force that passes, in order.

    Args:
        rules: all of them: another may come first for a name.
        seen: names and addresses of the traffic, the busiest first.
        now: the moment to judge ends by.

    """
    decided = _decided(rules, seen, now)
    return [
        _provable(rule, decided.get(id(rule), []))
        for rule in rules
        if rule.action == "pass" and not has_ended(rule, now)
    ]


def _provable(rule: Rule, names: list[str]) -> Provable:
    port = rule.port or HTTPS
    if rule.client is not None or rule.ja4 is not None:
        why = "the rule is for some clients alone; name a host, and ask from one of them"
        return Provable(rule, (), why)
    if rule.host is not None:
        return Provable(rule, (target(rule.host, port),))
    if rule.network is not None and rule.network.num_addresses == 1:
        return Provable(rule, (target(str(rule.network.network_address), port),))
    if names:
        return Provable(rule, tuple(target(name, port) for name in names))
    why = "no name that it lets through was seen yet; name one: tlsight bypass prove HOST"
    return Provable(rule, (), why)


def _decided(rules: Sequence[Rule], seen: Iterable[str], now: datetime) -> dict[int, list[str]]:
    """By the identity of the rule: names for which it decides, and no other that comes first."""
    matcher = Matcher(rules)
    ports = {rule.port or HTTPS for rule in rules}
    found: dict[int, list[str]] = {}
    for name in seen:
        address = name if as_address(name) is not None else None
        for port in ports:
            rule = matcher.match(Arrival(name, None, address, port), now)
            names = found.setdefault(id(rule), []) if rule is not None else []
            if rule is not None and port == (rule.port or HTTPS) and len(names) < NAMES_A_RULE:
                names.append(name)
    return found


def target(host: str, port: int) -> Target:
    return Target(host=host, port=port, sni=host if as_address(host) is None else None)
