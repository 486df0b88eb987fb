"""Rules that say what another says, or the contrary, or nothing that another does not say already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import dropwhile

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.reach import covers, has_ended, is_any_host, overlap
from addons.bypass.remark import Remark
from addons.bypass.rule import Rule

# Suffixes by the name that they are one label below.
_Beneath = dict[str, list[Rule]]


def overlaps(rules: Sequence[Rule], matcher: Matcher, now: datetime) -> Iterator[Remark]:
    """At most one remark a rule, in the order of the rules; `matcher` has them all, with others at most beneath."""
    beneath: _Beneath = {}
    for rule in rules:
        if rule.suffix is not None:
            beneath.setdefault(rule.suffix.partition(".")[2], []).append(rule)
    seen: dict[tuple[object, ...], Rule] = {}
    for rule in rules:
        key = (rule.host, rule.suffix, rule.wildcard, rule.network, rule.regex, rule.port,
               rule.client, rule.ja4)  # fmt: skip
        first = seen.setdefault(key, rule)
        if first is not rule:
            yield _twin(rule, first)
        elif (wider := _idle(rule, matcher, beneath, now)) is not None:
            text = f"It changes nothing: {wider.pattern} says {wider.action} already."
            yield Remark(rule, "shadowed", "warning", text, wider)


def _twin(rule: Rule, first: Rule) -> Remark:
    if first.action == rule.action:
        return Remark(rule, "duplicate", "error", "The same rule stands above.", first)
    text = f"A rule for the same says {first.action}, this one {rule.action}."
    return Remark(rule, "contradiction", "error", text, first)


def _idle(rule: Rule, matcher: Matcher, beneath: _Beneath, now: datetime) -> Rule | None:
    """The rule that would say the same about everything that this one decides, None for none.

    A rule that comes between the two and says something else for a part of it makes this one needed.
    """
    sample = _sample(rule)
    if sample is None:
        return None
    others = beneath.get(rule.wildcard, []) if rule.wildcard is not None else []
    if any(_differs(rule, other, now) for other in others):
        return None
    for other in dropwhile(lambda one: one is not rule, matcher.fitting(sample)):
        if other is rule or has_ended(other, now):
            continue
        if is_any_host(other) or _differs(rule, other, now):
            return None  # ranges and regexes, which the sample does not show, come before any host
        if covers(other, rule) and not covers(rule, other):  # a twin is told as such
            return other
    return None


def _differs(rule: Rule, other: Rule, now: datetime) -> bool:
    return not has_ended(other, now) and other.action != rule.action and overlap(rule, other)


def _sample(rule: Rule) -> Arrival | None:
    """A connection that the rule's pattern fits."""
    name = rule.host or rule.suffix or (f"x.{rule.wildcard}" if rule.wildcard else None)
    address = str(rule.network.network_address) if rule.network is not None else None
    if name is None and address is None:
        return None
    client = str(rule.client.network_address) if rule.client is not None else None
    return Arrival(name, None, address, rule.port or 443, client, rule.ja4)
