"""Places to be in, as the kernel would tell of them."""

from __future__ import annotations

import ipaddress

from detector.agent.senses.kernel import ETHERNET, MAIN, Held, Link, Neighbour, Route, Ways
from detector.agent.senses.network import Facts

ROUTER, OTHER = bytes.fromhex("3c970e112233"), bytes.fromhex("7085c2445566")
VRRP = bytes.fromhex("00005e000101")
WIRE, AIR, TUNNEL, BRIDGE, MODEM = 2, 3, 4, 5, 6
LINKS = (
    Link(WIRE, "eth0", ETHERNET, True),
    Link(AIR, "wlan0", ETHERNET, True),
    Link(TUNNEL, "wg0", 65534, True, "wireguard"),
    Link(BRIDGE, "docker0", ETHERNET, True, "bridge"),
    Link(MODEM, "wwan0", 519, True),
)


def route(to: str, gateway: str | None, device: int, metric: int = 100, table: int = MAIN) -> Route:
    network = ipaddress.ip_network(to)
    at = ipaddress.ip_address(gateway) if gateway else None
    return Route(network.network_address, network.prefixlen, at, device, metric, table)


def held(text: str, device: int) -> Held:
    at = ipaddress.ip_interface(text)
    return Held(device, at.ip, at.network.prefixlen)


def near(address: str, hardware: bytes, device: int) -> Neighbour:
    return Neighbour(device, ipaddress.ip_address(address), hardware)


def office(
    *more: Route,
    router: bytes = ROUTER,
    address: str = "10.1.2.3/24",
    gateway: str = "10.1.2.1",
    device: int = WIRE,
    default: bool = True,
    also: tuple[Held, ...] = (),
) -> Ways:
    """Behind a router."""
    routes = (route("0.0.0.0/0", gateway, device),) if default else ()
    known = (near(gateway, router, device),) if router else ()
    return Ways(LINKS, (held(address, device), *also), (*routes, *more), known)


def facts(ways: Ways, **more: object) -> Facts:
    return Facts(ways, **more)  # type: ignore[arg-type]
