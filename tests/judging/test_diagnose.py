"""From an inquiry to a diagnosis, without a network."""

from __future__ import annotations

from dataclasses import replace

from detector.errors import ProxyFault
from detector.judging.diagnose import diagnose
from detector.knowledge.fixes import config_lines
from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki
from detector.model.inquiry import FoundCause, Inquiry
from detector.model.observation import Failure, ProxyAnswer, Route, Target
from tests.conftest import Observe


def test_a_cause_comes_with_party_fix_lines_references_and_a_way_to_be_sure(
    pki: LabPki, observe: Observe
) -> None:
    seen = observe("a.com", pki.issue("b.com"), target=Target("a.com", 8443, sni="a.com"))
    found = diagnose(Inquiry(seen), pki.knowledge(), config_lines())
    (cause,) = found.causes
    assert (cause.id, cause.party, cause.severity) == ("hostname-mismatch", "server", "error")
    assert "It is for b.com." in cause.evidence
    assert "ssl_certificate" in cause.fix[0].config["nginx"]
    assert cause.references == ("RFC 9525 section 6",)
    assert "a.com:8443" in cause.confirm
    assert not found.healthy


def test_a_healthy_inquiry_has_no_cause(pki: LabPki, observe: Observe) -> None:
    found = diagnose(Inquiry(observe("a.com", pki.issue("a.com"))), pki.knowledge(), config_lines())
    assert found.causes == ()
    assert found.healthy
    assert found.judgement.verdict == "direct"


def test_a_certificate_that_cannot_be_read_is_the_cause(pki: LabPki, observe: Observe) -> None:
    found = diagnose(Inquiry(observe("a.com", [b"garbage"])), pki.knowledge(), config_lines())
    assert found.causes[0].id == "malformed-certificate"


def test_the_repaired_chain_is_leaf_and_intermediates_without_the_root(
    pki: LabPki, observe: Observe
) -> None:
    seen = observe("a.com", [pki.issue("a.com").der])
    inquiry = Inquiry(replace(seen, fetched=(pki.intermediate.der,)))
    known = pki.knowledge()
    assert diagnose(inquiry, known, config_lines()).repaired == (
        seen.chain[0],
        pki.intermediate.der,
    )
    assert diagnose(Inquiry(seen), known, config_lines()).repaired == ()


def test_a_server_that_forgot_its_intermediate_is_judged_by_the_one_that_was_fetched(
    pki: LabPki, observe: Observe
) -> None:
    seen = observe("a.com", [pki.issue("a.com").der], fetched=(pki.intermediate.der,))
    found = diagnose(Inquiry(seen), pki.knowledge(), config_lines())
    assert (found.judgement.verdict, found.causes[0].id) == ("direct", "incomplete-chain")


def test_what_a_proxy_tells_is_confirmed_by_asking_it_and_never_by_starting_the_proxys_server(
    observe: Observe, known: Knowledge
) -> None:
    def told(step: str, fault: ProxyFault, cause: str) -> FoundCause:
        failure = Failure(step, cause, "it failed", dialled="proxy", proxy=ProxyAnswer(fault))
        route = Route("http-connect", "p.net:3128", named_by="HTTPS_PROXY")
        seen = observe("a.com", (), handshake=None, route=route, failure=failure)
        (found,) = diagnose(Inquiry(seen), known, {}).causes
        return found

    refused = told("proxy", "refused", "connection-refused")
    assert (refused.party, refused.confirm) == (
        "server", "curl -x http://p.net:3128 -sS -o /dev/null https://a.com/",
    )  # fmt: skip
    down = told("tcp", "down", "connection-refused")
    assert (down.party, down.confirm) == ("network", "curl -v telnet://p.net:3128")
    assert [fix.text for fix in down.fix] == [
        "Start the proxy at p.net:3128, or name the right one in HTTPS_PROXY."
    ]
