"""How far a rule should reach: narrowest first, never across a public suffix."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.learning import Candidate
from addons.bypass.scope import scopes, shared_suffix
from detector.chain.names import is_public_suffix

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PRINT = "t13d1516h2_8daaf6152771_02713d6af862"


def candidate(host: str, **more: object) -> Candidate:
    return Candidate(host, "certificate-pinned", 3.0, ("a", "b"), NOW, NOW, "", **more)  # type: ignore[arg-type]


def test_the_first_proposal_is_the_host_and_port_alone() -> None:
    (only,) = scopes(candidate("api.bank.example", port=8443), [], ["www.bank.example"])
    assert only.pattern == "api.bank.example:8443"
    assert only.besides == ()


def test_where_others_succeed_the_fingerprint_comes_first() -> None:
    found = scopes(candidate("api.bank.example", ja4=PRINT), [], [])
    assert [one.pattern for one in found] == [
        f"api.bank.example:443 by {PRINT}", "api.bank.example:443",
    ]  # fmt: skip


def test_a_suffix_needs_several_names_and_says_what_else_it_exempts() -> None:
    names = ["a.api.bank.com", "b.api.bank.com", "c.api.bank.com"]
    others = [candidate(name) for name in names]
    seen = [*names, "www.bank.com", "docs.api.bank.com"]
    assert len(scopes(others[0], others[:2], seen)) == 1
    narrow, wide = scopes(others[0], others, seen)
    assert narrow.pattern == "a.api.bank.com:443"
    assert wide.pattern == ".api.bank.com:443"
    assert wide.besides == ("b.api.bank.com", "c.api.bank.com", "docs.api.bank.com")


@pytest.mark.parametrize(
    "names",
    [
        ["a.github.io", "b.github.io", "c.github.io"],
        ["a.co.uk", "b.co.uk", "c.co.uk"],
        ["a.com", "b.com", "c.com"],
        ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
    ],
)
def test_no_suffix_is_proposed_above_names_of_strangers(names: list[str]) -> None:
    assert shared_suffix(names[0], names) is None


LABELS = st.sampled_from(["a", "b", "www", "com", "co", "uk", "github", "io", "example"])
HOSTS = st.lists(LABELS, min_size=1, max_size=5).map(".".join)


@given(HOSTS, st.lists(HOSTS, max_size=8))
def test_a_proposed_suffix_is_never_public(host: str, others: list[str]) -> None:
    found = shared_suffix(host, others)
    assert found is None or not is_public_suffix(found)


def test_an_address_is_proposed_as_itself() -> None:
    (only,) = scopes(candidate("192.0.2.1"), [], [])
    assert only.pattern == "192.0.2.1/32:443"
