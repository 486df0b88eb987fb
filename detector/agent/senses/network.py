"""Where the machine is: which network, told so that nobody learns which.

What makes a network one
------------------------
The router. Its hardware address is the same for every machine behind it, stays when leases, addresses and privacy
addresses of IPv6 change, and differs from office to office. So the id is a salted digest of the default gateway's
hardware address, and:

- tunnels (WireGuard, OpenVPN, IPsec ...) are looked through: the gateway is looked for on links with hardware addresses that
  are no tunnel; where a VPN took the default route away, on the route to the VPN's own server. Up or down, the office
  stays one network.
- bridges of containers have no gateway and do not count. Of two ways the one with the lower metric counts; where wire and
  wireless lead to one router they are one network. IPv4's gateway counts before IPv6's, which as a rule is the same box.
- some addresses are alike in many places: those that are made up (the bit "locally administered": clouds, virtual
  machines, phones) and those of pairs of routers (VRRP, HSRP, GLBP, and clusters of firewalls). There the gateway's address and
  the network around it are digested, too.
- where no gateway has a hardware address (a mobile modem, a container with a tunnel alone) the resolvers and the proxy have to
  do. Two such places with the same ones look like one.

The wireless network's name, the resolvers and the proxy are digests of their own in the record, and part of no id but
that last one: a VPN changes resolvers, and a cable plugged in leaves the office where it is.

A digest hides what it was made of from whoever has no salt. Who has it can try all hardware addresses of a vendor.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from detector.agent.senses import kernel
from detector.agent.senses.kernel import Address, Link, Route, Ways
from detector.agent.senses.proxies import ProxySense
from detector.agent.senses.resolvers import read_resolvers
from detector.agent.senses.wireless import ssid_of
from detector.net import netlink
from detector.net.session_bus import bus_address
from detector.net.source import rouse
from detector.report.event_json import NetworkRecord

# What makes links that lead to somebody's other network (IFLA_INFO_KIND).
_TUNNELS = frozenset((
    "tun", "wireguard", "ipip", "ip6tnl", "sit", "gre", "gretap", "ip6gre", "ip6gretap", "vti", "vti6", "xfrm", "vxlan",
    "geneve", "ppp", "l2tp", "erspan", "amt", "ovpn", "dummy",
))  # fmt: skip
# Hardware addresses that mean a role, not a box: VRRP (RFC 9568 section 7.3), HSRP, GLBP, Fortinet's and Palo Alto's
# clusters.
_ROLES = tuple(map(bytes.fromhex, (
    "00005e0001", "00005e0002", "00000c07ac", "00000c9f", "000573a0", "0007b4", "00090f09", "001b1700",
)))  # fmt: skip
_PATIENCE, _STEPS = 1.0, 5
_HALF = 32


class Exit(NamedTuple):
    """The way out of this place.

    Attributes:
        gateway: None where the link has but one other end.
        hardware: the gateway's; empty where it is not known (yet), or there is none.
        around: the IPv4 network that the interface is in, or its IPv6 prefix.

    """

    gateway: Address | None
    device: Link
    hardware: bytes
    around: str


class Facts(NamedTuple):
    """All that a record is made of."""

    ways: Ways
    resolvers: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    ssid: bytes | None = None


def network_of(facts: Facts, salt: bytes) -> NetworkRecord | None:
    """Where that is; None where there is no way out, or its gateway has not shown itself."""
    out = way_out(facts.ways)
    if out is None or (_speaks_ethernet(out) and not out.hardware):
        return None

    def digest(what: str, *parts: bytes) -> str:
        said = b"\0".join((what.encode(), *parts))
        return hmac.digest(salt, said, "sha256").hex()[:_HALF]

    dns = "\n".join(facts.resolvers).encode()
    proxy = facts.proxies[0].encode() if facts.proxies else b""
    if not out.hardware:
        place = digest("place by resolvers", dns, proxy)
    elif is_one_box(out.hardware):
        place = digest("place", out.hardware)
    else:
        place = digest(
            "place by role", out.hardware, str(out.gateway).encode(), out.around.encode()
        )
    return NetworkRecord(
        id=place,
        gateway=digest("gateway", out.hardware) if out.hardware else None,
        ssid=digest("ssid", facts.ssid) if facts.ssid else None,
        dns=digest("dns", dns) if dns else None,
        proxy=digest("proxy", proxy) if proxy else None,
    )


def named_network(name: str, salt: bytes) -> str:
    """The id of a network that shows no way out, by what the user calls it."""
    return hmac.digest(salt, b"named\0" + name.encode(), "sha256").hex()[:_HALF]


def is_one_box(hardware: bytes) -> bool:
    """Whether a hardware address belongs to one box of this world."""
    return not hardware[0] & 0x02 and not hardware.startswith(_ROLES)


def way_out(ways: Ways) -> Exit | None:
    """The default gateway of the place, whatever tunnels go over it; any default way where there is none."""
    links = {link.number: link for link in ways.links}
    solid = [
        route
        for route in ways.routes
        if route.gateway is not None and _is_solid(links.get(route.device))
    ]
    ours = [route for route in solid if route.table == kernel.MAIN] or solid
    defaults = [route for route in ours if route.length == 0]
    # A VPN that takes the default route away leaves the one to its server.
    found = defaults or [r for r in ours if r.length == r.to.max_prefixlen and r.to.is_global]
    found = found or [route for route in ways.routes if route.length <= 1 and route.device in links]
    if not found:
        return None
    best = min(found, key=_rank)
    known = {(one.device, one.address): one.hardware for one in ways.neighbours}
    hardware = known.get((best.device, best.gateway), b"") if best.gateway is not None else b""
    return Exit(best.gateway, links[best.device], hardware, _around(ways, best.device))


async def here(
    salt: bytes,
    environment: Mapping[str, str],
    *,
    root: Path = Path("/"),
    proxies: Callable[[], tuple[str, ...]] | None = None,
) -> NetworkRecord | None:
    """Where this machine is now; None where that cannot be told: off every network, the gateway is silent, or a system
    without netlink. A gateway that nobody has spoken to yet is sent an empty datagram, so that it shows its hardware address.

    Args:
        salt: of the fleet, or of this device where it is in none.
        environment: the agent's.
        root: where /etc and /run are.
        proxies: which are set; those of the environment, /etc and the session when left out.

    """
    asked = proxies or _proxies(environment, root)
    facts = read_facts(asked, root)
    out = way_out(facts.ways)
    for _ in range(_STEPS):
        if out is None or out.hardware or not _speaks_ethernet(out):
            break
        assert out.gateway is not None
        rouse(str(out.gateway), out.device.number)
        await asyncio.sleep(_PATIENCE / _STEPS)
        facts = facts._replace(ways=read_ways())
        out = way_out(facts.ways)
    return network_of(facts, salt)


def _proxies(environment: Mapping[str, str], root: Path) -> Callable[[], tuple[str, ...]]:
    home = environment.get("HOME", "")
    homes = (Path(home),) if home.startswith("/") and home != "/" else ()
    desktop = bus_address(environment) is not None
    return ProxySense(environment, homes, root, desktop=desktop).now


def read_facts(proxies: Callable[[], tuple[str, ...]], root: Path = Path("/")) -> Facts:
    """All of it, of now."""
    ways = read_ways()
    out = way_out(ways)
    ssid = ssid_of(out.device.number) if out is not None and _is_solid(out.device) else None
    return Facts(ways, read_resolvers(root), proxies(), ssid)


def read_ways() -> Ways:
    """Of this machine, as the kernel says."""
    asked = (
        (kernel.GET_LINK, 16), (kernel.GET_ADDRESS, 8), (kernel.GET_ROUTE, 12), (kernel.GET_NEIGHBOUR, 12),
    )  # fmt: skip
    return kernel.read_ways(
        message for kind, size in asked for message in netlink.ask(kind, bytes(size))
    )


def _is_solid(link: Link | None) -> bool:
    return link is not None and link.kind == kernel.ETHERNET and link.made not in _TUNNELS


def _speaks_ethernet(out: Exit) -> bool:
    return out.gateway is not None and _is_solid(out.device)


def _rank(route: Route) -> tuple[int, int, int, int]:
    return route.to.version, route.length, route.metric, route.device


def _around(ways: Ways, device: int) -> str:
    """Of what an interface holds, the smallest network by text that somebody gave it."""
    found = [
        (held.address.version, str(ipaddress.ip_network((held.address, held.length), strict=False)))
        for held in ways.held
        if held.device == device and not held.address.is_link_local
    ]
    return min(found)[1] if found else ""
