"""Who counts as one client, and which of them nobody can make up.

Rules
-----
1. A user who logged in to the proxy is one client, on however many devices.
2. Else a network is: an IPv4 address, 56 bits of IPv6. One device has 2^64 addresses of IPv6 or more, and takes
   as many of IPv4 as its neighbours leave. Such a count sorts what a person looks at, and proves nothing.
3. Proven are users, and addresses in networks that the administrator declared to be one a device.
4. Users and addresses are not added up: one person may be both.
5. What another gateway says of its clients is its word: none of them is proven, and they are kept apart from those
   of the same name that other gateways tell of, which may be the same person all the same.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from addons.bypass.attempt import Attempt

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_USER = "user:"
# What one party has of IPv6 (RFC 6177).
PREFIX = 56
_MOST_USER = 64


class Client(NamedTuple):
    """One that counts.

    Attributes:
        name: "user:ann", "10.0.0.1", "2001:db8:0:100::/56".
        proven: nobody has several of them by himself.
        via: the gateway that told of it, which is part of the name; None: this machine's own proxy.

    """

    name: str
    proven: bool
    via: str | None = None

    @property
    def person(self) -> str:
        """The name that it would have at every gateway."""
        return self.name if self.via is None else self.name.removesuffix(f" at {self.via}")

    @property
    def is_user(self) -> bool:
        return self.name.startswith(_USER)


def client_of(attempt: Attempt, devices: Iterable[Network] = ()) -> Client:
    """Whose attempt it was; `devices` are networks of one address a device."""
    found = _client_of(attempt, devices)
    if attempt.via is None:
        return found
    return Client(f"{found.name} at {attempt.via}", False, attempt.via)


def user_name(text: str) -> str | None:
    """The one spelling of a user's name; None for what may be another spelling of somebody else's.

    Directories take "Ann", "ann " and letters of full width for the same entry (RFC 4518).
    """
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    if not name or len(name) > _MOST_USER:
        return None
    return name if all(one.isalnum() or one in "._-@+" for one in name) else None


def networks(text: str) -> tuple[Network, ...]:
    """Networks out of an option, between commas or spaces. Raises ValueError."""
    return tuple(ipaddress.ip_network(one) for one in text.replace(",", " ").split())


def largest(clients: Iterable[Client]) -> frozenset[str]:
    """The clients that cannot be the same person twice: the users, or the addresses; whichever are more."""
    users, addresses = set[str](), set[str]()
    for one in clients:
        (users if one.is_user else addresses).add(one.name)
    return frozenset(users if len(users) >= len(addresses) else addresses)


def _client_of(attempt: Attempt, devices: Iterable[Network]) -> Client:
    if attempt.user is not None:
        return Client(_USER + attempt.user, True)
    try:
        address = ipaddress.ip_address(attempt.client.partition("%")[0])
    except ValueError:
        return Client(attempt.client, False)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in devices):
        return Client(str(address), True)
    if isinstance(address, ipaddress.IPv6Address):
        return Client(str(ipaddress.ip_network((address, PREFIX), strict=False)), False)
    return Client(str(address), False)
