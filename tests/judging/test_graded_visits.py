"""A bad server was accepted where it was asked, refused where it was met and turned away from, and else nothing is known."""

from __future__ import annotations

import msgspec
import pytest

from detector.model.grades import GOOD, ROOTED
from tests.judging.graded_seen import (
    AT,
    answer,
    corporate,
    days,
    echo,
    instead,
    met,
    minted,
    seen,
    strict,
    visit,
)


def test_who_is_answered_by_a_bad_server_behind_a_faultless_leaf_fails() -> None:
    found = answer(instead(strict(), visit("expired", "answered")), "expired")
    assert (found.outcome, found.seen) == (
        "failed",
        "accepted, behind a leaf with which nothing is wrong",
    )


def test_who_asks_the_bad_server_fails_even_where_the_client_is_shown_a_page() -> None:
    whole = instead(strict(), visit("expired", "page"), met("expired", "answered"))
    found = answer(whole, "expired")
    assert (found.outcome, found.seen) == ("failed", "accepted: the request came to the server")


def test_a_fault_that_the_leaf_bears_too_is_passed_on() -> None:
    old = corporate().issue("expired.grade.test", start=AT - days(60), days=30)
    found = answer(instead(strict(), visit("expired", "answered", old)), "expired")
    assert (found.outcome, found.seen) == (
        "passed-on",
        "accepted, and the client sees it: it has ended",
    )


@pytest.mark.parametrize(
    ("how", "words"),
    [("page", "with a page of its own (HTTP 502)"), ("refused", "it refuses"), ("cut", "it cuts")],
)  # fmt: skip
def test_every_way_of_saying_no_passes_where_the_server_met_it(how: str, words: str) -> None:
    whole = instead(strict(), visit("self-signed", how), met("self-signed", "shaken"))  # type: ignore[arg-type]
    found = answer(whole, "self-signed")
    assert found.outcome == "passed"
    assert words in found.seen


@pytest.mark.parametrize(
    ("ended", "outcome"), [("TLSV1_ALERT_UNKNOWN_CA", "passed"), ("shaken", "unclear")]
)
def test_silence_passes_where_the_server_saw_it_leave_and_else_it_may_be_asking_still(
    ended: str, outcome: str
) -> None:
    whole = instead(strict(), visit("self-signed", "silence"), met("self-signed", ended))
    assert answer(whole, "self-signed").outcome == outcome


def test_a_refusal_of_a_server_that_met_nobody_says_nothing() -> None:
    """The proxy has no such name in its DNS, or blocks by name."""
    found = answer(instead(strict(), visit("self-signed", "page")), "self-signed")
    assert (found.outcome, "no connection reached the server" in found.seen) == ("unclear", True)


def test_a_proxy_that_blocks_the_good_server_too_has_not_been_asked_for_what_needs_trust() -> None:
    whole = instead(strict(), visit(GOOD, "page"), met(GOOD, "TLSV1_ALERT_UNKNOWN_CA"))
    assert answer(whole, "wrong-name").outcome == "not-asked"
    assert "our root is not trusted" in answer(whole, "wrong-name").seen
    assert answer(whole, "self-signed").outcome == "passed"  # that one needs no trust


def test_behind_a_public_certificate_a_good_server_below_our_root_says_whether_that_is_trusted() -> (
    None
):
    for ended, outcome in (("page", "not-asked"), ("answered", "passed")):
        whole = strict()
        whole.leaves[ROOTED] = "0" * 64
        rooted = visit(ROOTED, ended)  # type: ignore[arg-type]
        whole = msgspec.structs.replace(whole, visits=(*whole.visits, rooted))
        assert answer(whole, "wrong-name").outcome == outcome


def test_a_server_whose_own_leaf_comes_was_let_through() -> None:
    through = visit("expired", "answered", minted("another"))
    whole = seen(visit(GOOD, "answered"), genuine=(through,))
    found = answer(whole, "expired")
    assert (found.outcome, found.seen) == ("not-asked", "it was let through undecrypted")


def test_what_the_time_did_not_suffice_for_and_what_is_not_served_are_told_apart() -> None:
    whole = seen(visit(GOOD, "answered"))
    assert answer(whole, "expired").seen == "the time was up before"
    del whole.leaves["expired"]
    assert answer(whole, "expired").seen == "there is no such server"


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        ("answered", "failed"), ("shaken", "failed"), ("went-on", "failed"),
        ("TLSV1_ALERT_UNKNOWN_CA", "failed"), ("NO_SHARED_CIPHER", "passed"), ("cut", "passed"),
        ("alert handshake_failure", "passed"),
    ],
)  # fmt: skip
def test_a_bad_suite_is_agreed_on_where_the_server_says_so_whatever_the_client_is_told(
    ended: str, outcome: str
) -> None:
    whole = instead(strict(), visit("server-rc4", "page"), met("server-rc4", ended))
    assert answer(whole, "server-rc4").outcome == outcome


def test_who_leaves_every_server_without_a_word_has_not_said_that_the_suite_is_bad() -> None:
    whole = instead(strict(), visit(GOOD, "page"), met(GOOD, "cut"))
    whole = instead(whole, visit("server-rc4", "page"), met("server-rc4", "cut"))
    assert answer(whole, "server-rc4").outcome == "unclear"


def test_a_bad_suite_that_nobody_was_asked_for_is_unclear() -> None:
    whole = instead(strict(), visit("server-rc4", "page"))
    assert answer(whole, "server-rc4").outcome == "unclear"
    accepted = instead(strict(), visit("server-rc4", "answered", saw=echo("server-rc4", "TLSv1.2")))
    assert answer(accepted, "server-rc4").outcome == "failed"


def test_beside_another_grading_only_a_visit_that_was_answered_says_anything() -> None:
    """Whom the servers met may be the other's interceptor, for better and for worse."""
    whole = instead(strict(), visit("server-rc4", "page"), met("server-rc4", "shaken"))
    whole = instead(whole, visit("expired", "answered"))
    mixed = msgspec.structs.replace(whole, others=1)
    assert answer(whole, "server-rc4").outcome == "failed"
    for test in ("server-rc4", "self-signed"):
        found = answer(mixed, test)
        assert (found.outcome, "another grading" in found.seen) == ("unclear", True)
    assert answer(mixed, "expired").outcome == "failed"
    # Its hellos too: the good server's own word has the right one.
    assert answer(mixed, "no-server-name").outcome == answer(whole, "no-server-name").outcome
