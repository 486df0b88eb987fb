"""Which place is which: what changes there without another place, and what does not look like another and is one."""

from __future__ import annotations

import pytest

from detector.agent.senses.kernel import Ways
from detector.agent.senses.network import Facts, is_one_box, network_of
from tests.agent.senses.places import (
    AIR,
    BRIDGE,
    LINKS,
    MODEM,
    OTHER,
    ROUTER,
    TUNNEL,
    VRRP,
    WIRE,
    facts,
    held,
    near,
    office,
    route,
)

SALT = b"s" * 16
HOME = office()


def place(ways: Ways, **more: object) -> str:
    found = network_of(facts(ways, **more), SALT)
    assert found is not None
    return found.id


@pytest.mark.parametrize(
    "same",
    [
        office(address="10.1.2.77/24"),
        office(also=(held("2001:db8::77/64", WIRE), held("2001:db8::ab:1/64", WIRE))),
        office(route("::/0", "fe80::1", WIRE)),
        office(route("172.17.0.0/16", None, BRIDGE)),
        office(route("0.0.0.0/0", "10.1.2.1", AIR, 600)),
        office(route("0.0.0.0/1", "10.8.0.1", TUNNEL), route("128.0.0.0/1", "10.8.0.1", TUNNEL)),
        office(route("0.0.0.0/0", None, TUNNEL, 50)),
        office(route("0.0.0.0/0", None, TUNNEL, 0, 51820)),
        office(route("198.41.0.4/32", "10.1.2.1", WIRE), default=False),
        office(gateway="192.168.0.1", address="192.168.0.9/24"),
        office(device=AIR),
    ],
    ids=(
        "another lease", "privacy addresses", "an IPv6 router", "containers", "a second interface", "a VPN by halves",
        "a VPN with the better metric", "a VPN with a table of its own", "a VPN that took the default route",
        "another of the router's subnets", "by air",
    ),
)  # fmt: skip
def test_the_same_office_is_one_network(same: Ways) -> None:
    assert place(same) == place(HOME)


def test_resolvers_proxy_and_ssid_are_told_beside_the_place_and_do_not_make_it() -> None:
    plain = network_of(facts(HOME), SALT)
    told = network_of(
        facts(HOME, resolvers=("10.1.2.1",), proxies=("http://p:3128",), ssid=b"cafe"), SALT
    )
    assert plain is not None
    assert told is not None
    assert told.id == plain.id
    assert (plain.dns, plain.proxy, plain.ssid) == (None, None, None)
    assert len({told.dns, told.proxy, told.ssid, told.gateway, told.id}) == 5


def test_two_offices_with_the_same_addresses_are_two() -> None:
    assert place(office(router=OTHER)) != place(HOME)


def test_two_offices_with_the_same_role_for_a_router_are_two_where_their_networks_differ() -> None:
    here = office(router=VRRP)
    there = office(router=VRRP, address="10.9.2.3/24", gateway="10.9.2.1")
    assert place(here) != place(there)
    assert place(here) == place(office(router=VRRP, address="10.1.2.9/24"))


def test_a_router_of_ipv6_alone_is_the_place_of_the_same_box_with_ipv4() -> None:
    only = Ways(
        LINKS, (held("2001:db8::5/64", WIRE),), (route("::/0", "fe80::1", WIRE),),
        (near("fe80::1", ROUTER, WIRE),),
    )  # fmt: skip
    assert place(only) == place(HOME)


def test_without_a_gateway_the_resolvers_have_to_do() -> None:
    modem = Ways(LINKS, (), (route("0.0.0.0/0", None, MODEM),), ())
    assert place(modem, resolvers=("1.1.1.1",)) != place(modem, resolvers=("9.9.9.9",))
    found = network_of(facts(modem), SALT)
    assert found is not None
    assert found.gateway is None


def test_a_gateway_that_has_not_shown_itself_or_no_way_at_all_is_no_place() -> None:
    assert network_of(facts(office(router=b"")), SALT) is None
    assert network_of(Facts(Ways(LINKS)), SALT) is None


def test_another_salt_makes_other_digests_of_the_same_place() -> None:
    one, two = network_of(facts(HOME), SALT), network_of(facts(HOME), b"t" * 16)
    assert one is not None
    assert two is not None
    assert one.id != two.id
    assert one.gateway != two.gateway


def test_addresses_that_were_made_up_or_mean_a_role_are_no_box() -> None:
    assert is_one_box(ROUTER)
    for alike in ("00005e000101", "00000c07ac01", "00000c9ff001", "0007b4000101", "00090f090001",
                  "001b17000001", "525400123456", "fe163e000001", "feffffffffff", "123456789abc"):  # fmt: skip
        assert not is_one_box(bytes.fromhex(alike))
