"""What an interceptor's own hello offers."""

from __future__ import annotations

import msgspec
import pytest

from detector.model.grades import GOOD
from detector.wire import offer as o
from tests.judging.graded_seen import PLAIN, answer, echo, met, seen, visit

CHANGED = msgspec.structs.replace
RC4, NULL, ANONYMOUS = 0x0005, 0x0002, 0x0018


def outcome(test: str, offer: o.Offer) -> tuple[str, str]:
    found = answer(seen(visit(GOOD, "answered", saw=echo(GOOD, offer=offer))), test)
    return found.outcome, found.seen


@pytest.mark.parametrize(
    ("test", "offer", "told"),
    [
        ("offers-weak-suites", CHANGED(PLAIN, suites=(*PLAIN.suites, RC4)), "RC4"),
        ("offers-export-suites", CHANGED(PLAIN, suites=(*PLAIN.suites, NULL)), "NULL"),
        ("offers-export-suites", CHANGED(PLAIN, suites=(*PLAIN.suites, ANONYMOUS)), "anon"),
        ("offers-compression", CHANGED(PLAIN, compression=b"\x01\x00"), "DEFLATE"),
        ("no-tls13-upstream", CHANGED(PLAIN, versions=(o.TLS12,)), "TLSv1.2"),
        ("no-server-name", CHANGED(PLAIN, sni=None), "no server_name"),
        ("offers-weak-signatures", CHANGED(PLAIN, schemes=o.ALL_SCHEMES), "sha1"),
        ("offers-ssl3", CHANGED(PLAIN, versions=(o.SSL3,)), "SSLv3"),
    ],
)  # fmt: skip
def test_an_offer_that_is_bad_fails_and_the_one_without_it_passes(
    test: str, offer: o.Offer, told: str
) -> None:
    how, words = outcome(test, offer)
    assert (how, told.lower() in words.lower()) == ("failed", True), words
    assert outcome(test, PLAIN)[0] == "passed"


def test_a_hello_that_only_the_servers_met_counts_and_one_that_passed_undecrypted_does_not() -> (
    None
):
    bad = CHANGED(PLAIN, suites=(*PLAIN.suites, RC4))
    refused = seen(
        visit(GOOD, "answered"), visit("expired", "page"), met=(met("expired", offer=bad),)
    )
    assert answer(refused, "offers-weak-suites").outcome == "failed"
    through = visit("expired", "answered")
    whole = seen(visit(GOOD, "answered"), genuine=(through,), met=(met("expired", offer=bad),))
    assert answer(whole, "offers-weak-suites").outcome == "passed"


def test_without_a_hello_nothing_is_said() -> None:
    assert answer(seen(visit(GOOD, "page")), "offers-compression").outcome == "unclear"
