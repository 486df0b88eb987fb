"""What counts as another path, and what is a site that merely looks different today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from detector.judging.path_changes import STEADY, PathChange, base_of, changes, described
from detector.model.paths import BrowserGot, PathReading, Remembered

AT = datetime(2026, 11, 30, tzinfo=UTC)
HYBRID = BrowserGot("TLSv1.3", "X25519MLKEM768")
PUBLIC = PathReading(
    verdict="direct", issuer="CN=R13,O=Let's Encrypt", family="IPv4", version="TLSv1.3", alpn="h2",
    server_hello=(43, 51), browser=HYBRID,
)  # fmt: skip
SQUID = PathReading(
    verdict="intercepted", who="Squid", engine="squid", issuer="CN=proxy.corp", issuer_key="ab" * 32,
    family="IPv4", version="TLSv1.3", alpn="http/1.1", server_hello=(51, 43),
)  # fmt: skip
BARRED = PathReading(verdict="inconclusive", failure="tcp-reset")


def remembered(*readings: PathReading, times: int = 1) -> tuple[Remembered, ...]:
    """One after the other, a day between."""
    days = [AT + timedelta(days=number) for number in range(len(readings))]
    return tuple(Remembered(one, day, day, times) for one, day in zip(readings, days, strict=True))


def counting(found: tuple[PathChange, ...]) -> list[str]:
    return [one.text for one in found if one.counts]


def notes(found: tuple[PathChange, ...]) -> list[str]:
    return [one.kind for one in found if not one.counts]


# Everything that an honest site may show from one day to the next.
honest = st.builds(
    lambda **varied: replace(PUBLIC, **varied),
    verdict=st.sampled_from(["direct", "consistent"]),
    issuer=st.sampled_from(["CN=R13", "CN=E8", "CN=WR2,O=Google Trust Services", "CN=WE1"]),
    family=st.sampled_from(["IPv4", "IPv6", ""]),
    server_hello=st.permutations([43, 51]).map(tuple),
    browser=st.none() | st.builds(
        BrowserGot,
        version=st.just("TLSv1.3"),
        group=st.sampled_from(["X25519MLKEM768", "x25519", "secp256r1", "SecP256r1MLKEM768"]),
        alpn=st.sampled_from(["", "h2"]),
    ),
)  # fmt: skip
anything = st.builds(
    PathReading,
    verdict=st.sampled_from(["direct", "consistent", "private", "suspect", "intercepted", "inconclusive"]),
    failure=st.sampled_from(["", "timeout", "tcp-reset"]),
    who=st.sampled_from(["", "Squid", "mitmproxy"]),
    issuer=st.text(max_size=5),
    issuer_key=st.sampled_from(["", "ab", "cd"]),
    route=st.sampled_from(["direct", "http-connect", "socks5"]),
    proxy=st.sampled_from(["", "proxy.corp:3128"]),
    family=st.sampled_from(["IPv4", "IPv6", ""]),
    inner=st.booleans(),
    version=st.sampled_from(["", "TLSv1.2", "TLSv1.3", "unheard of"]),
    alpn=st.sampled_from(["", "h2", "http/1.1"]),
    server_hello=st.lists(st.integers(0, 65535), max_size=3).map(tuple),
    browser=st.none() | st.builds(BrowserGot, st.sampled_from(["TLSv1.2", "TLSv1.3"]), st.text(max_size=4)),
    hello=st.none() | st.just(()) | st.just(("ECH lost",)),
)  # fmt: skip


@given(st.lists(honest, min_size=1, max_size=8), honest)
def test_nothing_that_honest_sites_vary_counts(before: list[PathReading], now: PathReading) -> None:
    assert counting(changes(remembered(*before, times=5), now)) == []


@given(anything)
def test_a_reading_does_not_differ_from_itself(reading: PathReading) -> None:
    assert changes(remembered(reading), reading) == ()


@given(st.lists(anything, max_size=6), anything)
def test_what_counts_comes_first_and_only_who_intercepts_is_called_that(
    before: list[PathReading], now: PathReading
) -> None:
    found = changes(remembered(*before), now)
    assert [one.counts for one in found] == sorted((one.counts for one in found), reverse=True)
    if now.verdict != "intercepted":
        assert not any("intercepted" in one.text for one in found)
    if not before:
        assert found == ()


@given(st.lists(anything, min_size=1, max_size=6))
def test_what_came_before_is_the_latest_reading_in_whatever_order_they_are_given(
    before: list[PathReading],
) -> None:
    earlier = remembered(*before)
    found = base_of(earlier[::-1], PUBLIC)
    answered = [one for one in earlier if one.reading.answered]
    assert found == (answered or earlier)[-1]


def test_an_interceptor_that_was_not_there_counts_with_what_it_takes_away() -> None:
    found = changes(remembered(PUBLIC), SQUID)
    assert counting(found) == ["intercepted by Squid", "HTTP/2 gone"]
    assert notes(found) == ["server-hello"]


def test_without_the_interceptor_the_protocols_are_the_servers_own_and_only_notes() -> None:
    found = changes(remembered(SQUID), replace(PUBLIC, version="TLSv1.2", alpn="http/1.1"))
    assert counting(found) == ["direct"]
    assert "version" in notes(found)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (replace(SQUID, who="Blue Coat", issuer_key="cd" * 32), "intercepted by Blue Coat"),
        (replace(SQUID, issuer_key="cd" * 32), "intercepted by Squid, with another CA key"),
    ],
)
def test_an_interceptor_is_its_key(now: PathReading, said: str) -> None:
    assert counting(changes(remembered(SQUID, times=2), now)) == [said]


def test_one_that_draws_a_key_for_each_connection_is_the_same_one_every_time() -> None:
    drawn = [replace(SQUID, issuer_key=f"{number:064x}") for number in range(5)]
    found = changes(remembered(*drawn[:4]), drawn[4])
    assert (counting(found), notes(found)) == ([], ["interceptor"])


def test_of_one_that_sends_no_issuer_the_name_has_to_do() -> None:
    nameless = replace(SQUID, issuer_key="")
    assert counting(changes(remembered(nameless), replace(nameless, who="pywb"))) == [
        "intercepted by pywb"
    ]


def test_another_name_of_one_key_is_a_note() -> None:
    found = changes(remembered(SQUID), replace(SQUID, who="CN=proxy.corp", sanctioned=True))
    assert (counting(found), notes(found)) == ([], ["interceptor", "sanction"])


def test_another_verdict_over_the_same_key_is_a_note() -> None:
    suspect = replace(SQUID, verdict="suspect", who="")
    for before, now in ((suspect, SQUID), (SQUID, replace(suspect, verdict="private"))):
        found = changes(remembered(before), now)
        assert (counting(found), notes(found)) == ([], ["verdict"])
    assert counting(changes(remembered(replace(suspect, issuer_key="cd")), SQUID)) == [
        "intercepted by Squid"
    ]


def test_an_older_version_counts_and_a_later_one_is_a_note() -> None:
    older = replace(PUBLIC, version="TLSv1.2", browser=None)
    assert counting(changes(remembered(PUBLIC), older)) == ["TLS 1.2 instead of TLS 1.3"]
    assert notes(changes(remembered(older), PUBLIC)) == ["version"]


def test_http2_that_comes_back_is_a_note() -> None:
    plain = replace(PUBLIC, alpn="http/1.1")
    assert counting(changes(remembered(PUBLIC), plain)) == ["HTTP/2 gone"]
    assert notes(changes(remembered(plain), PUBLIC)) == ["http2"]


def test_fronts_that_take_turns_are_told_once() -> None:
    plain = replace(PUBLIC, alpn="http/1.1")
    assert changes(remembered(PUBLIC, plain, PUBLIC), plain) == ()


def test_what_an_interceptor_took_away_is_told_though_another_took_it_before() -> None:
    found = changes(remembered(PUBLIC, SQUID, PUBLIC), SQUID)
    assert counting(found) == ["intercepted by Squid", "HTTP/2 gone"]


def test_one_hosts_hybrid_key_exchange_is_a_note_after_enough_readings_and_nothing_before() -> None:
    plain = replace(PUBLIC, browser=BrowserGot("TLSv1.3", "x25519"))
    assert changes(remembered(PUBLIC, times=STEADY - 1), plain) == ()
    assert notes(changes(remembered(PUBLIC, times=STEADY), plain)) == ["hybrid"]
    assert changes(remembered(plain, PUBLIC, times=STEADY), plain) == ()


def test_an_older_version_for_browsers_alone_counts() -> None:
    found = changes(remembered(PUBLIC), replace(PUBLIC, browser=BrowserGot("TLSv1.2")))
    assert counting(found) == ["for browsers TLS 1.2 instead of TLS 1.3"]


def test_a_proxy_that_comes_or_goes_counts_and_another_one_is_a_note() -> None:
    through = replace(PUBLIC, route="http-connect", proxy="a.corp:3128", family="")
    assert counting(changes(remembered(PUBLIC), through)) == ["through a.corp:3128"]
    assert counting(changes(remembered(through), PUBLIC)) == ["past any proxy that is set"]
    other = replace(through, proxy="b.corp:3128")
    assert notes(changes(remembered(through), other)) == ["proxy"]


def test_a_public_name_that_leads_inwards_counts_and_one_that_leads_out_again_is_a_note() -> None:
    inwards = replace(PUBLIC, inner=True)
    (found,) = changes(remembered(PUBLIC), inwards)
    assert (found.counts, found.text) == (True, "the name leads to an inner address")
    assert notes(changes(remembered(inwards), PUBLIC)) == ["resolver"]


def test_a_changed_hello_counts_where_both_readings_asked_for_it() -> None:
    as_sent, stripped = replace(PUBLIC, hello=()), replace(PUBLIC, hello=("ECH lost",))
    assert counting(changes(remembered(as_sent), stripped)) == ["our hello arrives ECH lost"]
    assert changes(remembered(PUBLIC), stripped) == ()


def test_silence_counts_and_what_came_before_it_is_what_the_next_answer_is_compared_with() -> None:
    assert counting(changes(remembered(PUBLIC), BARRED)) == ["no handshake (tcp-reset)"]
    assert changes(remembered(PUBLIC, BARRED), BARRED) == ()
    found = changes(remembered(PUBLIC, BARRED), SQUID)
    assert counting(found) == ["it answers again", "intercepted by Squid", "HTTP/2 gone"]


def test_one_failure_for_another_is_a_note() -> None:
    found = changes(remembered(BARRED), replace(BARRED, failure="timeout"))
    assert (counting(found), notes(found)) == ([], ["answer"])


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (PUBLIC, "direct"), (SQUID, "intercepted by Squid"), (BARRED, "no handshake (tcp-reset)"),
        (replace(SQUID, sanctioned=True), "intercepted by Squid, as the policy allows"),
        (PathReading(verdict="private", issuer="CN=Corp"), "a private CA (CN=Corp)"),
        (PathReading(verdict="suspect", issuer="CN=Corp"), "suspect (CN=Corp)"),
    ],
)  # fmt: skip
def test_who_answers_in_words(reading: PathReading, said: str) -> None:
    assert described(reading) == said
