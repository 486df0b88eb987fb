"""Logged leaf keys beside pinned ones."""

from __future__ import annotations

from detector.ct.issuance import IssuanceLookup
from detector.known.hosts import HostPattern
from detector.known.knowledge import Pin
from detector.lookup.issuers import HostIssuers
from detector.lookup.unexpected import unexpected_leaves
from tests.conftest import NOW

ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64


def answer(*keys: str, trusted: bool = True) -> IssuanceLookup:
    return IssuanceLookup(
        host="a.com", source="s", fetched=NOW, ttl=60, trusted=trusted, leaf_keys=keys
    )


def test_keys_that_no_pin_for_the_host_knows_are_unexpected_each_once() -> None:
    found = HostIssuers("a.com", (answer(ONE, TWO), answer(TWO, THREE)))
    pins = (Pin(HostPattern("a.com"), (ONE,), backup=(THREE,)), Pin(HostPattern("b.org"), (TWO,)))
    listed = unexpected_leaves(found, pins)
    assert (listed.logged, listed.pinned, listed.unexpected) == (3, True, (TWO,))


def test_untrusted_answers_do_not_count_and_without_a_pin_all_are_unexpected() -> None:
    found = HostIssuers("a.com", (answer(ONE), answer(TWO, trusted=False)))
    listed = unexpected_leaves(found, ())
    assert (listed.logged, listed.pinned, listed.unexpected) == (1, False, (ONE,))
