"""Which of the names seen in traffic would be decided otherwise, by two sets of rules.

The traffic says names, and not by which port, client or fingerprint each came. So a name is asked for as a browser
comes, and in each of the ways that the rules which change are about: passing in one of them is passing. What a range
of addresses lets through has no names here, and is told as that (`blind`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule
from detector.chain.names import as_address

# Ways of arriving that are tried for each name; a list with more conditions than that is told in part.
MOST_WAYS = 24


class Otherwise(NamedTuple):
    """Names that pass by the one set and not by the other.

    Attributes:
        stops: would not be inspected any more, for some clients at least.
        begins: would be inspected again.

    """

    stops: tuple[str, ...]
    begins: tuple[str, ...]


class _Way(NamedTuple):
    port: int = 443
    client: str | None = None
    ja4: str | None = None


def decided_otherwise(
    old: Matcher, new: Matcher, changed: Iterable[Rule], seen: Sequence[str], now: datetime
) -> Otherwise:
    """By asking both. `changed` are the rules that are in only one of them."""
    ways = _ways(changed)
    stops: list[str] = []
    begins: list[str] = []
    for name in seen:
        address = name if as_address(name) is not None else None
        gone = back = False
        for way in ways:
            arrival = Arrival(name, None, address, way.port, way.client, way.ja4)
            was, will = _passes(old, arrival, now), _passes(new, arrival, now)
            gone, back = gone or (will and not was), back or (was and not will)
        if gone:
            stops.append(name)
        if back:
            begins.append(name)
    return Otherwise(tuple(stops), tuple(begins))


def blind(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Rules that pass more than one address: whoever is there has no name in the traffic."""
    for rule in rules:
        network = rule.network
        if network is not None and rule.action == "pass" and network.num_addresses > 1:
            yield rule


def _ways(changed: Iterable[Rule]) -> list[_Way]:
    found = {_Way(): None}
    for rule in changed:
        if rule.port is None and rule.client is None and rule.ja4 is None:
            continue
        client = str(rule.client.network_address) if rule.client is not None else None
        found[_Way(rule.port or 443, client, rule.ja4)] = None
        if len(found) >= MOST_WAYS:
            break
    return list(found)


def _passes(matcher: Matcher, arrival: Arrival, now: datetime) -> bool:
    found = matcher.match(arrival, now)
    return found is not None and found.action == "pass"
