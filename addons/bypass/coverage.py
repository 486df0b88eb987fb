"""What rides a connection that passes: names that this proxy inspects, on the leaf of one that it does not.

A server's leaf for bank.example that covers shop.example as well lets browsers send their requests to shop.example
over the connection to bank.example, where both are at one address. That connection passes, so nobody here sees
them, and nothing that a proxy can do at that moment brings them back: the leaf is the server's own. It can only be
told, where a rule is made and where rules are looked over.

The leaves are those that servers showed while their names were inspected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.remark import Remark
from addons.bypass.rule import Rule
from detector.chain.names import as_address
from detector.errors import TargetError
from detector.model.targets import normal_host

MAX_NAMES, MAX_LENGTH = 100, 253
_TOLD = 4
# The rule that decides about a connection.
Decide = Callable[[Arrival], Rule | None]


class Deciding(Protocol):
    """A Matcher, or what decides as one does."""

    def match(self, connection: Arrival, now: datetime) -> Rule | None: ...


class Leaf(msgspec.Struct, frozen=True):
    """The names of a certificate that a server showed.

    Attributes:
        host: what it was asked for.
        address: where it was.
        names: lower case, in order; a wildcard as "*.example.com".

    """

    at: datetime
    host: str
    address: str | None
    port: int
    names: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The same for certificates with the same names, so that renewals are one leaf."""
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()

    def covers(self, name: str) -> bool:
        return _cover(self.names, name)


def kept_names(host: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of a leaf that are worth keeping; none where it does not cover the host, or that alone."""
    try:
        host = normal_host(host)
    except TargetError:
        return ()
    fit = {name.lower() for name in names if 0 < len(name) <= MAX_LENGTH}
    own = [name for name in fit if _cover((name,), host)]
    if not own or fit == {host}:
        return ()
    others = sorted(fit.difference(own))[: MAX_NAMES - len(own)]
    return tuple(sorted((*own, *others)))


def remarks(
    rules: Sequence[Rule], leaves: Iterable[Leaf], seen: Iterable[str], now: datetime
) -> list[Remark]:
    """Of each rule that passes a name: what its leaf hides besides; `seen` are names of the traffic."""
    matcher = Matcher(rules)
    found = hidden(lambda arrival: matcher.match(arrival, now), leaves, seen)
    return [
        Remark(rule, "covers-inspected", "warning", _text(*found[rule]))
        for rule in rules
        if rule in found
    ]


def foretold(
    rule: Rule, others: Deciding, leaves: Iterable[Leaf], seen: Iterable[str], now: datetime
) -> str:
    """The remark's text on a rule that is not there yet, empty for none."""
    alone = Matcher([rule])
    near = [leaf for leaf in leaves if rule.host is None or leaf.covers(rule.host)]
    if not near:
        return ""
    found = hidden(
        lambda arrival: alone.match(arrival, now) or others.match(arrival, now), near, seen
    )
    return _text(*found[rule]) if rule in found else ""


def hidden(
    decide: Decide, leaves: Iterable[Leaf], seen: Iterable[str]
) -> Mapping[Rule, tuple[str, Sequence[str]]]:
    """By rule: a name that it passes, and those that are inspected and share a leaf with it."""
    traffic = _Traffic(seen)
    found: dict[Rule, tuple[str, dict[str, None]]] = {}
    for leaf in leaves:
        passed: dict[Rule, str] = {}
        inspected: dict[str, None] = {}
        for name in traffic.names_of(leaf):
            rule = decide(_arrival(name, leaf))
            if rule is not None and rule.action == "pass":
                passed.setdefault(rule, name)
            elif (rule is None or rule.action == "inspect") and name in traffic:
                inspected[name] = None
        if inspected:
            for rule, name in passed.items():
                found.setdefault(rule, (name, {}))[1].update(inspected)
    return {rule: (name, list(names)) for rule, (name, names) in found.items()}


def _text(name: str, names: Sequence[str]) -> str:
    told = ", ".join(names[:_TOLD])
    more = f" and {len(names) - _TOLD} more" if names[_TOLD:] else ""
    return (
        f"Passing {name} also hides {told}{more}, which this proxy inspects: one certificate covers them, and"
        " browsers send requests for all its names over one connection where they share an address."
    )


class _Traffic:
    """Names of the traffic, and which of them are right below a name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._below: dict[str, list[str]] = {}
        for name in sorted(self._names):
            self._below.setdefault(name.partition(".")[2], []).append(name)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def names_of(self, leaf: Leaf) -> Iterable[str]:
        """The host, the names of the leaf, and those of the traffic that its wildcards cover."""
        found = dict.fromkeys((leaf.host,))
        for name in leaf.names:
            if name.startswith("*."):
                found |= dict.fromkeys(self._below.get(name[2:], ()))
            else:
                found[name] = None
        return found


def _arrival(name: str, leaf: Leaf) -> Arrival:
    if as_address(name) is not None:
        return Arrival(None, name, name, leaf.port)
    return Arrival(name, None, leaf.address, leaf.port)


def _cover(names: Sequence[str], name: str) -> bool:
    return name in names or f"*.{name.partition('.')[2]}" in names
