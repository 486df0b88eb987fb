"""Which names are bound, which connections are moved, and which are inspected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.binding import Bound, Claim, is_by_name, judge, same, to_look_up, wants_proof
from addons.bypass.rule import Rule, RuleRow, rule_of

BANK, OTHER = "192.0.2.10", "192.0.2.20"
ANSWERS = {"bank.example": (BANK, "2001:db8::10"), "other.example": (OTHER,), "gone.example": (),
           "slow.example": None, "shared.example": (BANK, OTHER)}  # fmt: skip


def state(claim: Claim) -> tuple[str, str | None]:
    asked = {name: ANSWERS[name] for name in to_look_up(claim)}
    found = judge(claim, asked)
    assert bool(found.why) == (found.state in ("unbound", "unknown"))
    return found.state, found.to


@pytest.mark.parametrize("sni", [None, "bank.example"])
def test_a_name_that_was_asked_for_and_is_said_again_or_not_at_all_needs_no_look_up(
    sni: str | None,
) -> None:
    claim = Claim(sni, "bank.example", None)
    assert to_look_up(claim) == ()
    assert state(claim) == ("bound", None)


@pytest.mark.parametrize(
    "address", [BANK, "2001:db8::10", f"::ffff:{BANK}", "64:ff9b::c000:20a", "2001:DB8:0::10"]
)
def test_an_address_of_the_name_is_bound_however_it_is_written(address: str) -> None:
    assert state(Claim("bank.example", None, address)) == ("bound", None)


def test_a_connection_to_another_address_is_moved_to_the_names_own() -> None:
    assert state(Claim("bank.example", None, "127.0.0.1")) == ("moved", BANK)
    assert state(Claim("bank.example", None, "2001:db8::bad")) == ("moved", "2001:db8::10")


def test_what_cannot_be_moved_is_unbound() -> None:
    claim = Claim("bank.example", None, "127.0.0.1", movable=False)
    found = judge(claim, ANSWERS)
    assert found == Bound(
        "unbound", why="asked for bank.example at 127.0.0.1, which is not its address"
    )


@pytest.mark.parametrize(
    ("asked", "address", "expected"),
    [
        ("other.example", OTHER, ("unbound", None)),
        ("other.example", None, ("unbound", None)),
        ("shared.example", BANK, ("bound", None)),
        ("shared.example", OTHER, ("moved", BANK)),
        ("shared.example", None, ("moved", BANK)),
        ("slow.example", BANK, ("unknown", None)),
    ],
)
def test_two_names_need_an_address_that_both_have(
    asked: str, address: str | None, expected: tuple[str, str | None]
) -> None:
    assert state(Claim("bank.example", asked, address)) == expected


def test_what_does_not_resolve_is_never_bound() -> None:
    assert state(Claim("gone.example", None, BANK)) == ("unbound", None)
    assert state(Claim("slow.example", None, BANK)) == ("unknown", None)


@pytest.mark.parametrize("nowhere", ["0.0.0.0", "::", "::ffff:0.0.0.0", "nonsense"])
def test_a_name_is_never_at_no_address(nowhere: str) -> None:
    found = judge(Claim("bank.example", None, nowhere), {"bank.example": (nowhere,)})
    assert found.state == "unbound"


def test_a_proxy_upstream_is_asked_for_the_name_and_two_names_it_alone_could_tell_apart() -> None:
    def through(
        sni: str | None, asked: str | None, *, movable: bool = True
    ) -> tuple[str, str | None]:
        address = None if asked else BANK
        claim = Claim(sni, asked, address, movable=movable, upstream=True)
        assert to_look_up(claim) == ()
        return state(claim)

    assert through("bank.example", "bank.example") == ("bound", None)
    assert through("bank.example", None) == ("moved", "bank.example")
    assert through("bank.example", None, movable=False) == ("unknown", None)
    assert through("bank.example", "shared.example") == ("unbound", None)


@pytest.mark.parametrize(
    ("verify", "bind", "evidence", "expected"),
    [
        ("learned", None, "", False),
        ("learned", None, "certificate-pinned: 3 clients", True),
        ("never", None, "certificate-pinned: 3 clients", False),
        ("always", None, "", True),
        ("never", "certificate", "", True),
        ("always", "resolve", "", False),
        ("always", "none", "", False),
    ],
)
def test_a_rule_says_whether_a_name_is_proven_else_the_option_does(
    verify, bind, evidence: str, expected: bool
) -> None:
    assert wants_proof(Rule(host="a.example", bind=bind, evidence=evidence), verify) is expected


def test_ranges_and_rules_for_any_host_rest_on_no_name() -> None:
    rows = {"host": "a.example", "suffix": "a.example", "wildcard": "*.a.example", "regex": "a"}
    assert all(is_by_name(rule_of(RuleRow(**{key: value}))) for key, value in rows.items())
    assert not is_by_name(rule_of(RuleRow(cidr="192.0.2.0/24")))
    assert not is_by_name(rule_of(RuleRow(client="192.0.2.0/24")))


_ADDRESSES = st.ip_addresses().map(str)


@given(
    sni=st.none() | st.sampled_from(["a.example", "b.example"]),
    asked=st.none() | st.sampled_from(["a.example", "b.example"]),
    address=st.none() | _ADDRESSES,
    places=st.dictionaries(
        st.sampled_from(["a.example", "b.example"]),
        st.none() | st.lists(_ADDRESSES, max_size=3).map(tuple),
    ),
    movable=st.booleans(),
    upstream=st.booleans(),
)
def test_whatever_is_claimed_nothing_passes_to_an_address_that_the_name_does_not_have(
    sni, asked, address, places, movable, upstream
) -> None:
    claim = Claim(sni, asked, address, movable, upstream)
    found = judge(claim, places)
    if found.state == "moved":
        assert movable
        assert found.to is not None
    if sni is None or sni == asked or upstream:
        return
    if found.state == "bound":
        assert same(address, places[sni])
    if found.state == "moved":
        assert found.to in places[sni]
    if found.state in ("bound", "moved") and asked is not None:
        assert same(found.to or address, places[asked])
