"""Ranges of addresses in lists that know them beside names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from addons.bypass.reach import in_force, overlap
from addons.bypass.rule import Rule
from addons.formats.exported import Refused, why_not


def ranges(
    rules: Iterable[Rule], now: datetime, *, ports: bool = True
) -> tuple[list[tuple[Rule, str]], tuple[Refused, ...]]:
    """Each range that passes, as "10.0.0.0/8" or with its port, and those that the list cannot say."""
    said: list[tuple[Rule, str]] = []
    refused: list[Refused] = []
    ranked = [rule for rule in in_force(rules, now) if rule.network is not None]
    kept = [rule for rule in ranked if rule.action != "pass"]
    for rule in ranked:
        if rule.action == "inspect":
            continue
        why = why_not(replace(rule, network=None, host="a.example"), ports=ports)
        for other in kept if why is None else ():
            if _touch(rule, other):
                why = f"the list cannot say that {other.pattern} says {other.action}"
        if why is None:
            said.append((rule, _spelt(rule)))
        else:
            refused.append(Refused(rule, why))
    return said, tuple(refused)


def _touch(one: Rule, other: Rule) -> bool:
    assert one.network is not None
    assert other.network is not None
    if one.network.version != other.network.version or not overlap(one, other):
        return False
    return one.network.overlaps(other.network)


def _spelt(rule: Rule) -> str:
    network = rule.network
    assert network is not None
    alone = network.prefixlen == network.max_prefixlen
    text = str(network.network_address) if alone else str(network)
    if rule.port is None:
        return text
    if network.version == 4:
        return f"{text}:{rule.port}"
    address, slash, length = text.partition("/")
    return f"[{address}]{slash}{length}:{rule.port}"
