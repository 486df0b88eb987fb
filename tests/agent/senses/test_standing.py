"""What between two looks is a change, and what is none."""

from __future__ import annotations

import pytest

from detector.agent.senses.kernel import Ways
from detector.agent.senses.standing import compare, remembering, standing
from tests.agent.senses.places import (
    BRIDGE,
    OTHER,
    TUNNEL,
    WIRE,
    facts,
    held,
    office,
    route,
)

BEFORE = standing(facts(office(), resolvers=("10.1.2.1",), ssid=b"cafe"))


@pytest.mark.parametrize(
    "ways",
    [
        office(),
        office(address="10.1.2.99/24"),
        office(route("172.17.0.0/16", None, BRIDGE), also=(held("172.17.0.1/16", BRIDGE),)),
        office(route("192.168.7.0/24", None, TUNNEL)),
        office(also=(held("fe80::1/64", WIRE),)),
        office(router=b""),
    ],
    ids=("nothing", "another lease", "containers", "a narrow route", "link-local", "a forgotten neighbour"),
)  # fmt: skip
def test_these_are_no_change(ways: Ways) -> None:
    assert compare(BEFORE, standing(facts(ways, resolvers=("10.1.2.1",), ssid=b"cafe"))) == ()


@pytest.mark.parametrize(
    ("ways", "more", "said"),
    [
        (office(router=OTHER), {}, ("gateway",)),
        (office(default=False), {}, ("routes", "addresses")),
        (office(route("0.0.0.0/1", None, TUNNEL), route("128.0.0.0/1", None, TUNNEL)), {}, ("routes",)),
        (office(address="10.1.7.3/24"), {}, ("addresses",)),
        (office(), {"ssid": b"guests"}, ("wireless",)),
        (office(), {"resolvers": ("8.8.8.8",)}, ("resolvers",)),
    ],
    ids=("another box", "offline", "a VPN", "another subnet", "another SSID", "another resolver"),
)  # fmt: skip
def test_these_are(ways: Ways, more: dict[str, object], said: tuple[str, ...]) -> None:
    after = standing(facts(ways, **{"resolvers": ("10.1.2.1",), "ssid": b"cafe", **more}))
    assert compare(BEFORE, after) == said
    assert set(compare(after, BEFORE)) == set(said)


def test_a_box_that_took_the_gateways_place_while_it_was_not_known_is_told() -> None:
    forgotten = remembering(BEFORE, standing(facts(office(router=b""))))
    assert "gateway" in compare(forgotten, standing(facts(office(router=OTHER))))


def test_a_gateway_that_is_none_any_more_is_not_remembered() -> None:
    gone = remembering(BEFORE, standing(facts(office(default=False))))
    assert gone.hardware == {}
