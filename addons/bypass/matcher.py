"""What do the rules say of this connection: pass it through, inspect it, or block it?

Rules
-----
1. The first name that is known decides: SNI, else the CONNECT host. A client whose SNI is not listed is
   inspected even if the host it asked the proxy for is: in doubt the proxy keeps inspecting.
2. Of the rules that apply the one decides that comes first by the order of reach.py: the most specific
   pattern, then the most conditions, then the one that inspects.
3. Where the hello says another name than the one that was asked for, both have to pass (`decide`), and one that is
   blocked is enough.
4. CIDR rules look at the server's address alone. A rule that has expired is not there.
5. Rules of a layer beneath are asked where no rule of this one applies, whatever it says and however specific it is:
   what somebody else wrote (a vendor's list) never comes before a decision of one's own.

Theory of operation
-------------------
Names are looked up in dictionaries: the whole name among the hosts, its parent among the wildcards, then
every parent of it among the suffixes; addresses in one dictionary per prefix length. The cost follows the
number of labels and of prefix lengths in use, not the number of rules. Regexes, which are the last
resort, are one automaton (expression.py). A regex that is not in force may have meant any name: so where it
inspects or blocks, any name that comes to it is inspected; where it passes, it passes nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from addons.bypass.expression import Expressions
from addons.bypass.reach import has_ended, rank
from addons.bypass.rule import Network, Rule
from detector.errors import TargetError
from detector.model.targets import PLAIN_NAME, normal_host

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Arrival(msgspec.Struct, frozen=True):
    """What is known of a connection when its ClientHello arrives.

    Attributes:
        sni: server name of the ClientHello.
        host: name or address the client asked the proxy for.
        address: the server's address, when it is known.
        port: the server's port.
        client: the client's address.
        ja4: fingerprint of the ClientHello; only looked at where `Matcher.uses_ja4`.

    """

    sni: str | None
    host: str | None
    address: str | None
    port: int
    client: str | None = None
    ja4: str | None = None


class Decision(NamedTuple):
    """What the rules say.

    Attributes:
        rule: the one that decides, None where the connection is inspected for want of one.
        but: the one that would let it pass, were it not for `why`.

    """

    rule: Rule | None
    but: Rule | None = None
    why: str = ""


# One rule stands for itself; only names with several have a list. A million lists would cost 60 MB.
_Table = dict[str, "Rule | list[Rule]"]
_OWN_FIRST = "a rule of one's own comes first"


class Matcher:
    """An immutable set of rules; replace it as a whole.

    Args:
        rules: one's own.
        beneath: those that are asked where none of them applies.

    Attributes:
        count: how many there are, those beneath included.
        unsaid: those whose regex is not in force, each with the reason.

    """

    def __init__(self, rules: Iterable[Rule] = (), beneath: Iterable[Rule] = ()) -> None:
        self._hosts: _Table = {}
        self._wildcards: _Table = {}
        self._suffixes: _Table = {}
        self._networks: dict[tuple[int, int], dict[int, list[Rule]]] = {}
        self._regexes: list[Rule] = []
        self._any: list[Rule] = []
        self.count = 0
        self.uses_ja4 = False
        self.uses_addresses = False
        for rule in rules:
            self.count += 1
            self.uses_ja4 = self.uses_ja4 or rule.ja4 is not None
            self.uses_addresses = self.uses_addresses or rule.network is not None
            self._add(rule)
        self._expressions: Expressions | None = None
        self.unsaid: tuple[tuple[Rule, str], ...] = ()
        self._doubtful: list[Rule] = []
        if self._regexes:
            self._compile()
        self._lengths = {
            version: sorted((n for v, n in self._networks if v == version), reverse=True)
            for version in (4, 6)
        }
        lower = tuple(beneath)
        self._beneath = Matcher(lower) if lower else None
        if self._beneath is not None:
            self.count += self._beneath.count
            self.uses_ja4 = self.uses_ja4 or self._beneath.uses_ja4
            self.uses_addresses = self.uses_addresses or self._beneath.uses_addresses
            self.unsaid += self._beneath.unsaid

    def match(self, connection: Arrival, now: datetime) -> Rule | None:
        """The rule that decides, None where none applies and the connection is inspected."""
        name = name_of(connection.sni) or name_of(connection.host)
        found = self._match(name, connection, now)
        if found is None and self._beneath is not None:
            return self._beneath._match(name, connection, now)  # noqa: SLF001 (one of its own)
        return found

    def decide(self, connection: Arrival, now: datetime) -> Decision:
        """As `match`, of both names that a client says."""
        rule = self.match(connection, now)
        sni, asked = name_of(connection.sni), name_of(connection.host)
        if sni is None or asked is None or sni == asked:
            return Decision(rule)
        named = self.match(msgspec.structs.replace(connection, sni=None), now)
        if named is not None and named.action == "block":
            return Decision(named)
        if rule is None or rule.action != "pass" or (named is not None and named.action == "pass"):
            return Decision(rule)
        why = f"asked for {asked}, which does not pass, with the name {sni} inside"
        return Decision(None, rule, why)

    def considered(self, connection: Arrival, now: datetime) -> Iterator[tuple[Rule, str]]:
        """Every rule whose pattern fits, the most specific first, with what keeps it from deciding."""
        winner = self.match(connection, now)
        for rule in self.fitting(connection):
            why = "decides" if rule is winner else _why_not(rule, connection, now)
            yield rule, why or "a more specific rule, or one that inspects, comes first"
        if self._beneath is not None:
            for rule, why in self._beneath.considered(connection, now):
                yield rule, why if why != "decides" or rule is winner else _OWN_FIRST

    def fitting(self, connection: Arrival) -> Iterator[Rule]:
        """Every rule of this layer whose pattern fits, the most specific first, whether it applies or not."""
        name = name_of(connection.sni) or name_of(connection.host)
        if name is not None:
            yield from _listed(self._hosts.get(name))
            yield from _listed(self._wildcards.get(name.partition(".")[2]))
            rest = name
            while rest:
                if rest in self._suffixes:
                    yield from _listed(self._suffixes[rest])
                rest = rest.partition(".")[2]
        address = _address(connection.address) or _address(connection.host)
        if address is not None:
            for rules in self._ranges(address):
                yield from _listed(rules)
        if name is not None:
            yield from _listed(self._matching(name))
        yield from _listed(self._any)

    def is_behind_ranges(self, rule: Rule) -> bool:
        """Whether a rule for the server's address could come before one of these."""
        if rule.host is None and rule.wildcard is None and rule.suffix is None:
            return True
        return self._beneath is not None and bool(self._networks) and not self._has(rule)

    def _has(self, rule: Rule) -> bool:
        """Whether this rule of a name is one of this layer."""
        for table, key in ((self._hosts, rule.host), (self._wildcards, rule.wildcard),
                           (self._suffixes, rule.suffix)):  # fmt: skip
            if key is not None:
                found = table.get(key)
                return rule is found or (
                    isinstance(found, list) and any(one is rule for one in found)
                )
        return False

    def _match(self, name: str | None, connection: Arrival, now: datetime) -> Rule | None:
        """By the rules of this layer alone."""
        if name is not None:
            found = self._by_name(name, connection, now)
            if found is not None:
                return found
        if self._networks:
            address = _address(connection.address) or _address(connection.host)
            if address is not None:
                found = self._by_address(address, connection, now)
                if found is not None:
                    return found
        if name is not None and self._expressions is not None:
            found = _best(self._matching(name), connection, now)
            if found is not None:
                return found
        return _best(self._any, connection, now) if self._any else None

    def _add(self, rule: Rule) -> None:
        if rule.host is not None:
            _put(self._hosts, rule.host, rule)
        elif rule.wildcard is not None:
            _put(self._wildcards, rule.wildcard, rule)
        elif rule.suffix is not None:
            _put(self._suffixes, rule.suffix, rule)
        elif rule.network is not None:
            network = rule.network
            table = self._networks.setdefault((network.version, network.prefixlen), {})
            table.setdefault(int(network.network_address), []).append(rule)
        elif rule.regex is not None:
            self._regexes.append(rule)
        else:
            self._any.append(rule)

    def _by_name(self, name: str, connection: Arrival, now: datetime) -> Rule | None:
        found = self._hosts.get(name)
        rule = _best(found, connection, now) if found is not None else None
        if rule is not None:
            return rule
        rest = name.partition(".")[2]
        found = self._wildcards.get(rest) if rest else None
        rule = _best(found, connection, now) if found is not None else None
        suffixes = self._suffixes
        rest = name
        while rule is None and rest:
            found = suffixes.get(rest)
            if found is not None:
                rule = _best(found, connection, now)
            rest = rest.partition(".")[2]
        return rule

    def _compile(self) -> None:
        self._expressions = Expressions([rule.regex or "" for rule in self._regexes])
        faults = self._expressions.faults
        self.unsaid = tuple((self._regexes[place], why) for place, why in sorted(faults.items()))
        self._doubtful = [
            msgspec.structs.replace(rule, action="inspect")
            for rule, _ in self.unsaid
            if rule.action != "pass"
        ]

    def _matching(self, name: str) -> list[Rule]:
        """Rules whose regex matches, or may."""
        if self._expressions is None:
            return []
        found = [self._regexes[place] for place in self._expressions.matching(name)]
        return found + self._doubtful if self._doubtful else found

    def _by_address(self, address: Address, connection: Arrival, now: datetime) -> Rule | None:
        for rules in self._ranges(address):
            rule = _best(rules, connection, now)
            if rule is not None:
                return rule
        return None

    def _ranges(self, address: Address) -> Iterator[list[Rule]]:
        """Rules of the ranges that hold the address, the narrowest first."""
        value, size = int(address), address.max_prefixlen
        for length in self._lengths[address.version]:
            start = value >> (size - length) << (size - length)
            found = self._networks[address.version, length].get(start)
            if found is not None:
                yield found


def _put(table: _Table, key: str, rule: Rule) -> None:
    there = table.get(key)
    if there is None:
        table[key] = rule
    elif isinstance(there, list):
        there.append(rule)
    else:
        table[key] = [there, rule]


def _listed(found: Rule | list[Rule] | None) -> list[Rule]:
    if found is None:
        return []
    return sorted(found, key=rank) if isinstance(found, list) else [found]


def _best(found: Rule | list[Rule], connection: Arrival, now: datetime) -> Rule | None:
    """The rule in force that comes first, of several for one pattern or of regexes that match."""
    if isinstance(found, Rule):
        return found if _why_not(found, connection, now) is None else None
    fitting = [rule for rule in found if _why_not(rule, connection, now) is None]
    return min(fitting, key=rank, default=None)


def _why_not(rule: Rule, connection: Arrival, now: datetime) -> str | None:
    """What keeps a rule whose pattern fits from applying, None when nothing does."""
    if has_ended(rule, now):
        return f"expired on {rule.until}"
    if rule.port is not None and rule.port != connection.port:
        return f"is for port {rule.port}"
    if rule.client is not None and not _in(connection.client, rule.client):
        return f"is for clients in {rule.client}"
    if rule.ja4 is not None and rule.ja4 != connection.ja4:
        return f"is for clients with JA4 {rule.ja4}"
    return None


def _in(text: str | None, network: Network) -> bool:
    address = _address(text)
    return address is not None and address.version == network.version and address in network


def name_of(text: str | None) -> str | None:
    """A host name in the rules' own form; None for addresses, nothing, and nonsense."""
    if not text:
        return None
    if len(text) < 254 and PLAIN_NAME.fullmatch(text):
        return text
    if _address(text) is not None:
        return None
    try:
        return normal_host(text)
    except TargetError:
        return None


def _address(text: str | None) -> Address | None:
    text = text.partition("%")[0] if text else ""
    # An address ends in a hexadecimal digit or a colon, a name mostly in a letter that is neither.
    if not text or text[-1] in "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ":
        return None
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is the IPv4 host that a rule for 192.0.2.0/24 means.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
