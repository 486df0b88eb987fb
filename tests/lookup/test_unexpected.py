"""Logged leaf keys beside pinned ones."""

from __future__ import annotations

from datetime import timedelta

from detector.ct.issuance import IssuanceLookup, LoggedIssuer
from detector.known.hosts import HostPattern
from detector.known.knowledge import Pin
from detector.lookup.issuers import HostIssuers
from detector.lookup.unexpected import unexpected_leaves
from tests.conftest import NOW

ONE, TWO, THREE, CA, ROOT = "1" * 64, "2" * 64, "3" * 64, "c" * 64, "a" * 64
TODAY = NOW.date()


def is_ca(key: str) -> bool:
    return key == ROOT


def answer(*keys: str, trusted: bool = True) -> IssuanceLookup:
    return IssuanceLookup(
        host="a.com", source="s", fetched=NOW, ttl=60, trusted=trusted, leaf_keys=keys
    )


def test_keys_that_no_pin_for_the_host_knows_are_unexpected_each_once() -> None:
    found = HostIssuers("a.com", (answer(ONE, TWO), answer(TWO, THREE)))
    pins = (Pin(HostPattern("a.com"), (ONE,), backup=(THREE,)), Pin(HostPattern("b.org"), (TWO,)))
    listed = unexpected_leaves(found, pins, TODAY, is_ca)
    assert (listed.logged, listed.pinned, listed.unexpected) == (3, True, (TWO,))


def test_untrusted_answers_do_not_count_and_without_a_pin_all_are_unexpected() -> None:
    found = HostIssuers("a.com", (answer(ONE), answer(TWO, trusted=False)))
    listed = unexpected_leaves(found, (), TODAY, is_ca)
    assert (listed.logged, listed.pinned, listed.unexpected) == (1, False, (ONE,))


def test_pins_of_ca_keys_alone_pin_no_leaf() -> None:
    issuer = LoggedIssuer("CN=CA", CA, 1, exact=True, first=NOW, last=NOW)
    one = IssuanceLookup(
        host="a.com", source="s", fetched=NOW, ttl=60, trusted=True, leaf_keys=(ONE,),
        issuers=(issuer,),
    )  # fmt: skip
    pins = (Pin(HostPattern("a.com"), (CA, ROOT)),)
    listed = unexpected_leaves(HostIssuers("a.com", (one,)), pins, TODAY, is_ca)
    assert (listed.pinned, listed.unexpected) == (False, (ONE,))


def test_a_pin_that_ended_yesterday_knows_nothing_and_one_of_today_does() -> None:
    found = HostIssuers("a.com", (answer(ONE),))
    for ends, unexpected in ((TODAY - timedelta(days=1), (ONE,)), (TODAY, ())):
        pins = (Pin(HostPattern("a.com"), (ONE,), expires=ends),)
        assert unexpected_leaves(found, pins, TODAY, is_ca).unexpected == unexpected
