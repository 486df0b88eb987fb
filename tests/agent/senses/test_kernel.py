"""Netlink's messages, of the real kernel and broken."""

from __future__ import annotations

import ipaddress
import struct

from detector.agent.senses.kernel import (
    ETHERNET,
    NEW_LINK,
    NEW_ROUTE,
    Link,
    Route,
    attributes,
    read_ways,
)
from detector.agent.senses.network import read_ways as of_this_machine
from detector.net.netlink import Message

# A wireguard interface and a default route over an IPv6 router (RTA_VIA), as Linux 6.1 writes them.
WIREGUARD = bytes.fromhex(
    "0000feff 07000000 d1000100 00000000 08000300 77673000 14001200 0d000100 77697265 67756172 64000000".replace(" ", "")
)  # fmt: skip
VIA = bytes.fromhex(
    "02000000 fe030001 00000000 0800 0f00 fe000000 0800 0600 64000000 1600 1200 0a00"
    " fe80000000000000 0000000000000001 0000 0800 0400 02000000".replace(" ", "")
)


def test_this_machine_has_a_loopback_with_its_addresses() -> None:
    ways = of_this_machine()
    (loopback,) = [link for link in ways.links if link.name == "lo"]
    assert loopback.kind != ETHERNET
    held = {(one.device, str(one.address), one.length) for one in ways.held}
    assert (loopback.number, "127.0.0.1", 8) in held or not loopback.up


def test_what_made_a_link_is_told_with_its_name() -> None:
    (link,) = read_ways([Message(NEW_LINK, WIREGUARD)]).links
    assert link == Link(7, "wg0", 65534, True, "wireguard")


def test_a_gateway_of_the_other_family_is_one() -> None:
    (found,) = read_ways([Message(NEW_ROUTE, VIA)]).routes
    v6 = ipaddress.IPv6Address("fe80::1")
    assert found == Route(ipaddress.IPv4Address("0.0.0.0"), 0, v6, 2, 100, 254)


def test_each_hop_of_a_way_with_many_is_a_way() -> None:
    def hop(device: int, gateway: str) -> bytes:
        address = struct.pack("=HH", 8, 5) + ipaddress.ip_address(gateway).packed
        return struct.pack("=HBBi", 8 + len(address), 0, 0, device) + address

    hops = hop(2, "10.0.0.1") + hop(3, "10.0.1.1")
    head = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0)
    body = head + struct.pack("=HH", 4 + len(hops), 9) + hops
    found = read_ways([Message(NEW_ROUTE, body)]).routes
    assert [(one.device, str(one.gateway)) for one in found] == [(2, "10.0.0.1"), (3, "10.0.1.1")]


def test_a_message_that_ends_early_or_lies_about_its_lengths_is_left_out_or_cut() -> None:
    for body in (WIREGUARD, VIA):
        for end in range(len(body)):
            read_ways([Message(NEW_LINK, body[:end]), Message(NEW_ROUTE, body[:end])])
    assert list(attributes(struct.pack("=HH", 3, 1))) == []
    assert list(attributes(struct.pack("=HH", 99, 1) + b"x")) == []
