"""What of a network matters for who may stand in the way, so that two looks at it can be compared. Pure.

Compared are the wide ways (default ones, and halves of everything, as VPNs set them) in the order in which they are used, the
networks of their interfaces, the gateways' hardware addresses, the wireless network's name and the resolvers. Not
compared: an address within the same network, a lease that was renewed, metrics, narrow routes, bridges of containers.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from detector.agent.senses.kernel import Ways
from detector.agent.senses.network import Facts

_WIDE = 8


class Standing(NamedTuple):
    """One look. `hardware` is only of gateways that are known."""

    ways: tuple[tuple[str, str, str], ...]
    networks: frozenset[tuple[str, str]]
    hardware: dict[tuple[str, str], bytes]
    ssid: bytes | None
    resolvers: tuple[str, ...]


def standing(facts: Facts) -> Standing:
    """What stands by these facts."""
    ways = facts.ways
    links = {link.number: link for link in ways.links}
    wide = sorted(
        (r for r in ways.routes if r.length <= _WIDE and r.device in links and links[r.device].up),
        key=lambda r: (r.to.version, r.length, r.metric, r.table, str(r.to), r.device),
    )
    used = {
        route.device for route in wide if not route.to.is_link_local and not route.to.is_multicast
    }
    gateways = {(route.device, route.gateway) for route in wide if route.gateway is not None}
    return Standing(
        ways=tuple(
            dict.fromkeys(
                (f"{r.to}/{r.length}", str(r.gateway or ""), links[r.device].name)
                for r in wide
                if not r.to.is_multicast
            )
        ),
        networks=_networks(ways, used),
        hardware={
            (links[one.device].name, str(one.address)): one.hardware
            for one in ways.neighbours
            if (one.device, one.address) in gateways
        },
        ssid=facts.ssid,
        resolvers=facts.resolvers,
    )


def compare(before: Standing, after: Standing) -> tuple[str, ...]:
    """What is another now, in a few words each. A hardware address that was not known is no news."""
    said: list[str] = []
    if before.ways != after.ways:
        said.append("routes")
    if before.networks != after.networks:
        said.append("addresses")
    both = before.hardware.keys() & after.hardware.keys()
    if any(before.hardware[gateway] != after.hardware[gateway] for gateway in both):
        said.append("gateway")
    if before.ssid != after.ssid:
        said.append("wireless")
    if before.resolvers != after.resolvers:
        said.append("resolvers")
    return tuple(said)


def remembering(before: Standing, after: Standing) -> Standing:
    """`after`, with hardware addresses that are not known at the moment as they were known before."""
    gateways = {(device, gateway) for _, gateway, device in after.ways}
    kept = {who: was for who, was in before.hardware.items() if who in gateways}
    return after._replace(hardware={**kept, **after.hardware})


def _networks(ways: Ways, devices: set[int]) -> frozenset[tuple[str, str]]:
    names = {link.number: link.name for link in ways.links}
    return frozenset(
        (names[held.device], str(ipaddress.ip_network((held.address, held.length), strict=False)))
        for held in ways.held
        if held.device in devices
        and not held.address.is_link_local
        and held.length < held.address.max_prefixlen
    )
