from dataclasses import replace
from datetime import date, timedelta

import pytest

from detector.chain.certificate import Certificate
from detector.evidence.rules import published_key
from detector.known.knowledge import Knowledge, PublishedKey, PublishedKeys
from detector.lab.pki import Authority, LabPki
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
