"""How far rules reach: whether one is in force, which of several comes first, and what a pattern covers.

Rules
-----
1. A rule is in force up to its last day, that day included, or up to its moment. Days are those of UTC.
2. The most specific pattern comes first: a host, a one-label wildcard, a suffix (the longer one first), a range
   (the narrower one first), a regex, any host.
3. Of the same pattern the rule with more conditions comes first (port, client network, JA4), then the one for
   fewer clients, then the one that inspects, then the one that blocks.
4. Of a regex nothing is taken for granted: it may meet every name, and covers none.

The matcher decides by this order, lint asks what it makes idle, and the formats write it down.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from addons.bypass import expression
from addons.bypass.rule import Network, Rule
from detector.chain.names import is_below

_ORDER = {"inspect": 0, "block": 1, "pass": 2}
_ANY = 5
Rank = tuple[int, int, int, int, int]


def has_ended(rule: Rule, now: datetime) -> bool:
    """By a moment in UTC."""
    end = rule.expires
    if end is None:
        return False
    return now >= end if isinstance(end, datetime) else now.date() > end


def end_moment(rule: Rule) -> datetime | None:
    """When it ends, None for never."""
    end = rule.expires
    if end is None or isinstance(end, datetime):
        return end
    try:
        return datetime.combine(end, time(), UTC) + timedelta(days=1)
    except OverflowError:
        return None


def in_force(rules: Iterable[Rule], now: datetime) -> list[Rule]:
    """Rules that have not ended, the one that comes first in front; equals stay in their order."""
    return sorted((rule for rule in rules if not has_ended(rule, now)), key=rank)


def rank(rule: Rule) -> Rank:
    """A key to sort by: the rule that comes first has the smallest."""
    client = rule.client
    conditions = (rule.port is not None) + (client is not None) + (rule.ja4 is not None)
    narrow = client.prefixlen if client is not None else 0
    return *_kind(rule), -conditions, -narrow, _ORDER[rule.action]


def _kind(rule: Rule) -> tuple[int, int]:
    if rule.host is not None:
        return 0, 0
    if rule.wildcard is not None:
        return 1, 0
    if rule.suffix is not None:
        return 2, -rule.suffix.count(".")
    if rule.network is not None:
        return 3, -rule.network.prefixlen
    return (4, 0) if rule.regex is not None else (_ANY, 0)


def is_any_host(rule: Rule) -> bool:
    """Whether only conditions narrow it."""
    return _kind(rule)[0] == _ANY


def holds(rule: Rule, name: str) -> bool:
    """Whether a name lies in the rule's pattern; none does in a range."""
    if rule.host is not None:
        return rule.host == name
    if rule.wildcard is not None:
        return name.partition(".")[2] == rule.wildcard
    if rule.suffix is not None:
        return is_below(name, rule.suffix)
    if rule.regex is not None:
        return expression.holds(rule.regex, name)
    return is_any_host(rule)


def meets(one: Rule, other: Rule) -> bool:
    """Whether two patterns have a name in common; a regex may have every name, a range has none."""
    if one.network is not None or other.network is not None:
        return False
    if _any_name(one) or _any_name(other):
        return True
    for first, second in ((one, other), (other, one)):
        if first.host is not None:
            return holds(second, first.host)
        if first.suffix is not None and second.suffix is not None:
            return is_below(first.suffix, second.suffix) or is_below(second.suffix, first.suffix)
        if first.suffix is not None and second.wildcard is not None:
            return is_below(second.wildcard, first.suffix) or _parent(first) == second.wildcard
    return one.wildcard == other.wildcard


def covers(wide: Rule, narrow: Rule) -> bool:
    """Whether `wide` applies to all that `narrow` applies to, its conditions included."""
    if wide.port not in (None, narrow.port) or wide.ja4 not in (None, narrow.ja4):
        return False
    if wide.client is not None and not _inside(narrow.client, wide.client):
        return False
    if is_any_host(wide):
        return True
    if wide.network is not None:
        return _inside(narrow.network, wide.network)
    if wide.host is not None:
        return wide.host == narrow.host
    if wide.wildcard is not None:
        return wide.wildcard == narrow.wildcard or (
            narrow.host is not None and holds(wide, narrow.host)
        )
    below = narrow.host or narrow.suffix or narrow.wildcard
    return wide.suffix is not None and below is not None and is_below(below, wide.suffix)


def overlap(one: Rule, other: Rule) -> bool:
    """Whether a connection can be that both apply to, as far as conditions say."""
    for first, second in ((one.port, other.port), (one.ja4, other.ja4)):
        if first is not None and second is not None and first != second:
            return False
    if one.client is None or other.client is None:
        return True
    return _inside(one.client, other.client) or _inside(other.client, one.client)


def _any_name(rule: Rule) -> bool:
    return rule.host is None and rule.wildcard is None and rule.suffix is None


def _parent(rule: Rule) -> str:
    return (rule.suffix or "").partition(".")[2]


def _inside(narrow: Network | None, wide: Network) -> bool:
    if narrow is None or narrow.version != wide.version:
        return False
    return narrow.subnet_of(wide)  # type: ignore[arg-type]
