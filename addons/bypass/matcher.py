"""Does a rule let this connection through?

Theory of operation
-------------------
Names are looked up in dictionaries: the whole name among the hosts, then every parent of it among
the suffixes; addresses in one dictionary per prefix length. The cost follows the number of labels
and of prefix lengths in use, not the number of rules. The first name that is known decides: SNI,
else the CONNECT host. A client whose SNI is not listed is inspected even if the host it asked the
proxy for is: in doubt the proxy keeps inspecting. CIDR rules look at the server's address alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import date

import msgspec

from addons.bypass.rule import Rule
from detector.errors import TargetError
from detector.targets import normal_host


class Connection(msgspec.Struct, frozen=True):
    """What is known of a connection when its ClientHello arrives.

    Attributes:
        sni: server name of the ClientHello.
        host: name or address the client asked the proxy for.
        address: the server's address, when it is known.
        port: the server's port.

    """

    sni: str | None
    host: str | None
    address: str | None
    port: int


class Matcher:
    """An immutable set of rules; replace it as a whole."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._hosts: dict[str, list[Rule]] = {}
        self._suffixes: dict[str, list[Rule]] = {}
        self._networks: dict[tuple[int, int], dict[int, list[Rule]]] = {}
        self.count = 0
        for rule in rules:
            self.count += 1
            if rule.host is not None:
                self._hosts.setdefault(rule.host, []).append(rule)
            elif rule.suffix is not None:
                self._suffixes.setdefault(rule.suffix, []).append(rule)
            elif rule.network is not None:
                network = rule.network
                table = self._networks.setdefault((network.version, network.prefixlen), {})
                table.setdefault(int(network.network_address), []).append(rule)

    def match(self, connection: Connection, today: date) -> Rule | None:
        """The rule that lets the connection through, most specific first, or None."""
        name = _name(connection.sni) or _name(connection.host)
        if name is not None:
            found = self._by_name(name, connection.port, today)
            if found is not None:
                return found
        address = _address(connection.address) or _address(connection.host)
        return None if address is None else self._by_address(address, connection.port, today)

    def _by_name(self, name: str, port: int, today: date) -> Rule | None:
        rule = _first(self._hosts.get(name), port, today)
        rest = name
        while rule is None and rest:
            rule = _first(self._suffixes.get(rest), port, today)
            rest = rest.partition(".")[2]
        return rule

    def _by_address(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, today: date
    ) -> Rule | None:
        value, size = int(address), address.max_prefixlen
        lengths = sorted((n for v, n in self._networks if v == address.version), reverse=True)
        for length in lengths:
            start = value >> (size - length) << (size - length)
            rule = _first(self._networks[address.version, length].get(start), port, today)
            if rule is not None:
                return rule
        return None


def _first(rules: list[Rule] | None, port: int, today: date) -> Rule | None:
    """A rule in force for the port; one that names the port before one that does not."""
    best: Rule | None = None
    for rule in rules or ():
        if rule.expires is not None and today > rule.expires:
            continue
        if rule.port == port:
            return rule
        if rule.port is None and best is None:
            best = rule
    return best


def _name(text: str | None) -> str | None:
    """A host name in the rules' own form; None for addresses, nothing, and nonsense."""
    if not text or _address(text) is not None:
        return None
    try:
        return normal_host(text)
    except TargetError:
        return None


def _address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if not text:
        return None
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is the IPv4 host that a rule for 192.0.2.0/24 means.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
