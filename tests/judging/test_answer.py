"""Am I intercepted? What judgements come to."""

from __future__ import annotations

from datetime import UTC, datetime

from detector.errors import ProxyFault
from detector.judging.answer import Answer, answer, may_be_portal
from detector.model.observation import (
    Failure,
    Interceptor,
    Judgement,
    Observation,
    ProxyAnswer,
    Target,
    VerdictName,
)

AT = datetime(2026, 11, 30, tzinfo=UTC)
GATEWAY = Interceptor("Acme Gate", "squid", "enterprise-gateway", "CN=Acme Gate CA", "ab" * 32)
SHIELD = Interceptor("Shield", None, "antivirus", "CN=Shield Root", "cd" * 32)


def judged(
    verdict: VerdictName, count: int = 1, *, who: Interceptor | None = None, first: int = 0,
    sanctioned: bool = False, failure: Failure | None = None, next_step: str = "",
) -> list[Judgement]:  # fmt: skip
    return [
        Judgement(
            Observation(AT, Target(f"site{number}.example"), failure=failure), verdict,
            f"{verdict.capitalize()}: because.", "row", (), sanctioned, who, next_step=next_step,
        )
        for number in range(first, first + count)
    ]  # fmt: skip


def of(*parts: list[Judgement], asked: int | None = None) -> Answer:
    found = [one for part in parts for one in part]
    return answer(found, len(found) if asked is None else asked)


def test_no_says_on_how_many_it_is_proven_and_that_quiet_is_no_proof() -> None:
    found = of(judged("direct", 9), judged("consistent", 3, first=9))
    assert found.answer == "no"
    assert "proven on 9 of the 12 sites that answered" in found.text
    assert "on 3 nothing speaks against it, which is no proof" in found.text


def test_where_nothing_is_proven_the_answer_is_not_no() -> None:
    found = of(judged("consistent", 12))
    assert found.answer == "unproven"
    assert not found.text.startswith("No")
    assert any("tlsight update" in step for step in found.next_steps)


def test_one_proven_site_is_no_answer_for_those_that_did_not_answer() -> None:
    reset = Failure("tls", "connection-reset", "the peer resets")
    found = of(judged("direct"), judged("inconclusive", 10, first=1, failure=reset), asked=12)
    assert found.answer == "unproven"
    assert found.text == (
        "Unproven: that nobody stands in between is proven on only 1 of the 12 sites that were asked; most did not "
        "answer, and may be the ones that are not let through. 10 gave no handshake to judge. "
        "1 had not answered when the time was over."
    )
    assert found.next_steps[0] == "What this machine's way out is: tlsight doctor"


def test_one_proven_site_is_no_answer_for_those_that_prove_nothing() -> None:
    found = of(judged("direct"), judged("consistent", 11, first=1))
    assert found.answer == "unproven"
    assert "on only 1 of the 12 sites that were asked, and on 11 nothing speaks" in found.text
    assert any("tlsight update" in step for step in found.next_steps)


def test_a_third_of_the_sites_asked_is_enough_where_more_than_half_answered() -> None:
    reset = Failure("tls", "connection-reset", "the peer resets")
    quiet = judged("consistent", 3, first=4)
    silent = judged("inconclusive", 5, first=7, failure=reset)
    assert of(judged("direct", 4), quiet, silent).answer == "no"
    assert of(judged("direct", 3), judged("consistent", 4, first=3), silent).answer == "unproven"
    assert of(judged("direct", 6), judged("inconclusive", 6, first=6)).answer == "unproven"


def test_one_intercepted_site_outweighs_all_that_are_proven() -> None:
    found = of(judged("direct", 11), judged("intercepted", who=GATEWAY, first=11))
    assert found.answer == "yes"
    assert found.text == (
        "Yes, by Acme Gate (enterprise-gateway, CN=Acme Gate CA) on 1 of the 12 sites that answered: "
        "site11.example. The others: 11 proven direct."
    )


def test_each_interceptor_is_told_with_what_to_do_about_its_kind() -> None:
    found = of(judged("intercepted", 3, who=GATEWAY), judged("intercepted", who=SHIELD, first=3))
    assert [one.who for one in found.interceptors] == ["Acme Gate", "Shield"]
    assert found.next_steps[:2] == (
        "Ask your administrator whether it is meant to be there.",
        "It runs on this machine: its settings say HTTPS scanning or web shield.",
    )


def test_what_the_policy_allows_is_told_as_that() -> None:
    found = of(judged("intercepted", 2, who=GATEWAY, sanctioned=True))
    assert found.next_steps[0] == "Your policy allows it to decrypt these sites."


def test_one_ca_is_one_interceptor_though_a_single_leaf_was_not_recognised() -> None:
    unnamed = Interceptor(None, None, None, "CN=Acme Gate CA", "ab" * 32)
    found = of(judged("intercepted", 2, who=unnamed), judged("intercepted", who=GATEWAY, first=2))
    assert [(one.who, len(one.hosts)) for one in found.interceptors] == [("Acme Gate", 3)]


def test_a_suspect_site_is_neither_yes_nor_no() -> None:
    found = of(judged("direct", 11), judged("suspect", first=11, next_step="Compare."))
    assert found.answer == "perhaps"
    assert found.text.startswith("Perhaps, before site11.example: because.")
    assert found.next_steps[0] == "Compare."


def test_sites_that_say_nothing_are_counted_beside_the_answer() -> None:
    reset = Failure("tls", "connection-reset", "the peer resets")
    found = of(judged("direct", 8), judged("inconclusive", 2, first=8, failure=reset), asked=12)
    assert found.answer == "no"
    assert "8 of the 8 sites that answered" in found.text
    assert found.text.endswith(
        " 2 gave no handshake to judge. 2 had not answered when the time was over."
    )
    assert found.late == 2


def unknown(failure: Failure) -> Answer:
    found = of(judged("inconclusive", 12, failure=failure))
    assert found.answer == "unknown"
    return found


def test_offline_a_portal_and_a_proxy_that_refuses_are_told_apart() -> None:
    offline = Failure("tcp", "connection-refused", "x", why="Network is unreachable")
    assert "this machine is offline: Network is unreachable (all 12 sites)" in unknown(offline).text
    dns = Failure("dns", "dns-failure", "x", why="Temporary failure in name resolution")
    assert "no name resolves: Temporary failure" in unknown(dns).text
    portal = unknown(Failure("tls", "captive-portal", "x"))
    assert "a captive portal answers" in portal.text
    assert portal.next_steps[0].startswith("Log in with a browser")
    fault: ProxyFault = "policy"
    refused = Failure("proxy", "proxy-refused", "the proxy says 403", proxy=ProxyAnswer(fault, 403))
    assert "the proxy is in the way: the proxy says 403" in unknown(refused).text


def test_a_portal_is_looked_for_where_nothing_tells_why_nobody_answers() -> None:
    silent = judged("inconclusive", 12, failure=Failure("tcp", "connection-timeout", "x"))
    assert may_be_portal(of(silent), silent)
    found = answer(silent, 12, portal=True)
    assert found.text.startswith("Cannot tell: a captive portal answers")
    assert found.next_steps[0].startswith("Log in with a browser")
    offline = Failure("tcp", "connection-refused", "x", why="Network is unreachable")
    away = Failure("tcp", "proxy-refused", "x", dialled="proxy")
    for told in (offline, away, Failure("tls", "captive-portal", "x")):
        some = judged("inconclusive", 12, failure=told)
        assert not may_be_portal(of(some), some)
    assert not may_be_portal(of(judged("direct", 12)), judged("direct", 12))


def test_nobody_in_time_is_no_answer() -> None:
    found = of(asked=12)
    assert (found.answer, found.text) == (
        "unknown",
        "Cannot tell: none of 12 sites answered in time.",
    )


def test_private_cas_that_are_expected_neither_prove_nor_accuse() -> None:
    assert of(judged("private", 3)).answer == "unknown"
    found = of(judged("direct", 2), judged("private", first=2))
    assert found.answer == "no"
    assert found.text.endswith("A private CA answers for 1, where one is expected.")
