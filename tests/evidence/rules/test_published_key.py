from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from detector.chain.certificate import Certificate
from detector.evidence.rules import published_key
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge, PublishedKey, PublishedKeys
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, LabPki, PrivateKey
from tests.conftest import NOW, Observe
from tests.evidence.conftest import Ask


def publish(known: Knowledge, certificate: bytes, **how: object) -> Knowledge:
    key = PublishedKey("Test", "test", spki_sha256=Certificate(certificate).spki_sha256, **how)  # type: ignore[arg-type]
    return replace(known, published=PublishedKeys((key,)))


def test_a_published_intermediate_of_a_public_root_is_proof(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    knowledge = publish(known, pki.intermediate.der)
    found = ask(published_key, observe("a.example", pki.issue("a.example", logs=())), knowledge)
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "proof")


def test_a_leaf_logged_before_the_key_leaked_is_honest(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    shown = observe("a.example", pki.issue("a.example"))
    tomorrow: date = (NOW + timedelta(days=1)).date()
    before = ask(published_key, shown, publish(known, pki.intermediate.der, published=tomorrow))
    after = ask(published_key, shown, publish(known, pki.intermediate.der, published=NOW.date()))
    assert before is not None
    assert after is not None
    assert (before.points, after.points) == ("neutral", "intercepted")


@pytest.mark.parametrize(("host", "points"), [("localhost", "neutral"), ("b.com", "intercepted")])
def test_a_development_server_is_innocent_at_home_only(
    known: Knowledge, observe: Observe, ask: Ask, host: str, points: str
) -> None:
    own = Authority("localhost").der
    found = ask(published_key, observe(host, [own]), publish(known, own, use="server"))
    assert found is not None
    assert found.points == points


def test_a_published_certificate_that_signed_nothing_here_is_ignored(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    stranger = Authority("Leaked")
    chain = (*pki.issue("a.example").chain, stranger.der)
    knowledge = publish(known, stranger.der)
    assert ask(published_key, observe("a.example", chain), knowledge) is None


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["ec", "rsa"],
)
def test_a_published_signer_is_told_though_it_was_not_sent(
    known: Knowledge, observe: Observe, ask: Ask, key: PrivateKey
) -> None:
    leaked, other = Authority("Leaked", key=key), Authority("Another")
    knowledge = publish(known, leaked.der, spki=leaked.spki)
    found = ask(published_key, observe("a.com", [leaked.issue("a.com").der]), knowledge)
    assert found is not None
    assert (found.points, found.strength, found.details["position"]) == ("intercepted", "proof", 1)
    assert ask(published_key, observe("a.com", [other.issue("a.com").der]), knowledge) is None
    chain = Authority("Below", parent=leaked).issue("a.com").chain[:2]
    found = ask(published_key, observe("a.com", chain), knowledge)
    assert found is not None
    assert found.details["position"] == 2


def test_a_published_key_on_the_leaf_itself_is_insecure_and_nobody_stands_between(
    corporate: Authority, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    leaf = corporate.issue("a.com")
    row = PublishedKey("dev", "test", spki_sha256=Certificate(leaf.der).spki_sha256)
    knowledge = replace(known, published=PublishedKeys((row,)))
    seen = observe("a.com", (leaf.der, corporate.der))
    found = ask(published_key, seen, knowledge)
    assert found is not None
    assert found.strength == "strong"
    assert judge_all([seen], knowledge)[0].verdict == "suspect"


def test_before_it_was_published_and_where_the_leaf_may_be_older_it_is_no_proof(
    known: Knowledge, observe: Observe, ask: Ask
) -> None:
    leaked = Authority("Leaked CA", logs=(LabLog("unknown here"),))
    key = Certificate(leaked.der).spki_sha256

    def strength(published: date, start: datetime) -> tuple[str, str]:
        row = PublishedKey("leaked", "test", spki_sha256=key, published=published)
        knowledge = replace(known, published=PublishedKeys((row,)))
        chain = (leaked.issue("a.com", start=start).der, leaked.der)
        found = ask(published_key, observe("a.com", chain), knowledge)
        assert found is not None
        return found.points, found.strength

    today, later = NOW.date(), (NOW + timedelta(days=9)).date()
    assert strength(later, NOW) == ("neutral", "strong")
    assert strength(today, NOW + timedelta(hours=30)) == ("intercepted", "proof")
