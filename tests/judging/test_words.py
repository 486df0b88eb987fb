"""What a verdict leaves open, and the step that decides it."""

from __future__ import annotations

from dataclasses import replace

from detector.chain.certificate import Certificate
from detector.judging.judge import judge_all
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge, Pin, Policy, Sanctioned
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Observation, Route, Target
from tests.conftest import Observe


def said(known: Knowledge, *seen: Observation) -> tuple[str, str]:
    found = judge_all(seen, known)[0]
    return found.explanation, found.next_step


def test_suspect_names_the_innocent_explanation_and_a_command(
    corporate: Authority, pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    own = observe("a.com", (corporate.issue("a.com").der, corporate.der))
    assert said(known, own) == (
        "The owner may run a CA of its own.", "tlsight ct a.com && tlsight check a.com",
    )  # fmt: skip
    forgot = observe("a.com", [pki.issue("a.com").der])
    explanation, step = said(replace(known, logs={}), forgot)
    assert "forgotten to send its intermediate" in explanation
    assert step == "tlsight diagnose a.com"
    other = observe("b.org", pki.issue("a.com"), target=Target("b.org", 8443, sni="b.org"))
    assert said(known, other)[1] == "tlsight diagnose b.org:8443"
    pinned = replace(known, pins=(Pin(HostPattern("a.com"), ("0" * 64,)),))
    assert "renewed" in said(pinned, observe("a.com", pki.issue("a.com")))[0]


def test_private_says_why_a_private_ca_is_expected(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    def at(host: str, ip: str | None = None) -> str:
        chain = (corporate.issue(host).der, corporate.der)
        return said(known, observe(host, chain, target=Target(host, sni=host, ip=ip)))[0]

    assert at("wiki.corp") == "wiki.corp is an internal name or address."
    assert at("wiki.a.com", "10.66.0.1") == "wiki.a.com resolved to 10.66.0.1."


def test_intercepted_says_what_an_employee_and_an_administrator_do(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    seen = observe("github.com", (corporate.issue("github.com").der, corporate.der))
    key = Certificate(corporate.der).spki_sha256
    step = said(known, seen)[1]
    assert step.startswith("Send no secrets; ask your administrator.")
    assert key in step
    entry = Sanctioned("Gateway", key, (HostPattern("*"),))
    allowed = replace(known, policy=Policy(sanctioned=(entry,)))
    assert said(allowed, seen) == ("The policy allows this interceptor to decrypt this host.", "")


def test_direct_by_certificate_transparency_says_what_it_does_not_prove(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    explanation, step = said(known, observe("a.com", pki.issue("a.com")))
    assert "not that the host's owner asked for it" in explanation
    assert step == ""


def test_the_command_compares_with_what_was_compared_with(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    lab = replace(known, words=("--roots", "my lab/root.pem", "--ct-logs", "logs.json"))
    seen = observe("a.com", (corporate.issue("a.com").der, corporate.der))
    assert said(lab, seen)[1].endswith(
        " && tlsight check --roots 'my lab/root.pem' --ct-logs logs.json a.com"
    )
    other = observe("a.com", (corporate.issue("b.org").der, corporate.der))
    assert said(lab, other)[1] == (
        "tlsight diagnose --roots 'my lab/root.pem' --ct-logs logs.json a.com"
    )


def test_the_command_goes_the_way_that_was_gone(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    def step(target: Target, route: Route) -> str:
        chain = (corporate.issue("a.com").der, corporate.der)
        return said(known, observe("a.com", chain, target=target, route=route))[1]

    proxied = Route("http-connect", "192.0.2.7:3128")
    assert step(Target("a.com", 8443, sni="a.com"), proxied) == (
        "tlsight check www.google.com github.com --proxy http://192.0.2.7:3128 a.com:8443"
    )
    mail = Target("a.com", 25, sni="a.com", starttls="smtp")
    assert step(mail, Route()).endswith("tlsight check --starttls smtp a.com:25")
    given = Target(
        "a.com", sni="a.com", ip="192.0.2.9", pinned_address=True, dialled="192.0.2.9:4433"
    )
    assert step(given, Route()).endswith("tlsight check --connect 192.0.2.9:4433 a.com")


def test_what_logs_know_is_put_where_the_check_reads_it(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    asked = ("--no-proxy", "--policy", "p.toml", "--store", "mine.sqlite3", "--no-store")
    seen = observe("a.com", (corporate.issue("a.com").der, corporate.der))
    assert said(replace(known, words=asked), seen)[1] == (
        "tlsight ct --no-proxy --store mine.sqlite3 a.com"
        " && tlsight check --no-proxy --policy p.toml --store mine.sqlite3 a.com"
    )
