"""Missing issuers and revocation, fetched from the lab's CA and from services that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import zstandard
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from detector.lab.answer import Answer, Request
from detector.lab.ca_service import ca_service, connected
from detector.lab.pki import LabPki
from detector.lab.web import Web
from detector.lookup.certificates import with_lookups
from detector.model.inquiry import Inquiry, Lookup
from detector.model.observation import Observation, Target
from detector.net.fetch import Fetcher, FetchOptions
from tests.conftest import NOW

BOMB = zstandard.compress(bytes(64 << 20))
QUICK = FetchOptions(timeout=5.0, attempts=1)


def looked_up(
    shown: Callable[[LabPki], tuple[bytes, ...]], answer: Callable[[Request], Answer] | None = None
) -> tuple[LabPki, tuple[Lookup, ...]]:
    async def run() -> tuple[LabPki, tuple[Lookup, ...]]:
        pki = LabPki()
        async with Web(None, answer) if answer else ca_service(pki) as service:
            connected(pki, service)
            seen = Observation(NOW, Target("a.com", ip="127.0.0.1", sni="a.com"), chain=shown(pki))
            async with Fetcher(QUICK) as fetch:
                found = await with_lookups(Inquiry(seen), pki.knowledge(), fetch)
        return pki, found.lookups

    return asyncio.run(run())


def alone(pki: LabPki) -> tuple[bytes, ...]:
    return (pki.issue("a.com").der,)


def test_a_missing_issuer_is_fetched_and_then_its_word_on_the_leaf() -> None:
    pki, found = looked_up(alone)
    assert [one.kind for one in found] == ["issuer", "crl"]
    assert found[0].body == pki.intermediate.der
    assert found[1].body


def test_two_missing_issuers_are_fetched_one_after_the_other() -> None:
    def shown(pki: LabPki) -> tuple[bytes, ...]:
        return (pki.authority("Second", pki.intermediate).issue("a.com").der,)

    _, found = looked_up(shown)
    assert [one.kind for one in found][:1] == ["issuer"]
    assert any("names no address" in one.problem or one.body for one in found)


def test_the_responder_is_asked_where_the_leaf_names_one() -> None:
    _, found = looked_up(lambda pki: pki.issue("a.com", access=("responder",)).chain)
    assert [(one.kind, bool(one.body)) for one in found] == [("ocsp", True)]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda _: Answer(b"nothing", status=404), "answers 404"),
        (lambda _: Answer(b"no certificate at all"), "did not sign it"),
        (lambda _: Answer(LabPki().intermediate.der), "did not sign it"),
        (lambda _: Answer(bytes(1 << 18)), "more than"),
        (lambda _: Answer(BOMB, headers={"Content-Encoding": "zstd"}), "packed"),
    ],
)
def test_what_is_no_issuer_is_told_and_not_used(
    answer: Callable[[Request], Answer], problem: str
) -> None:
    _, found = looked_up(alone, answer)
    assert [one.body for one in found] == [b""]
    assert problem in found[0].problem


def test_an_issuer_in_a_bundle_is_found() -> None:
    pki = LabPki()

    def answer(_: Request) -> Answer:
        certificates = [pki.root.certificate, pki.intermediate.certificate]
        return Answer(pkcs7.serialize_certificates(certificates, Encoding.DER))

    async def run() -> tuple[Lookup, ...]:
        async with Web(None, answer) as service:
            connected(pki, service)
            seen = Observation(NOW, Target("a.com", ip="127.0.0.1", sni="a.com"), chain=alone(pki))
            async with Fetcher(QUICK) as fetch:
                return (await with_lookups(Inquiry(seen), pki.knowledge(), fetch)).lookups

    assert asyncio.run(run())[0].body == pki.intermediate.der


def test_only_plain_http_is_followed() -> None:
    def shown(pki: LabPki) -> tuple[bytes, ...]:
        pki.intermediate.web = "file:///etc"
        return alone(pki)

    _, found = looked_up(shown)
    assert [one.problem for one in found] == ["the certificate names no address"]


def test_nothing_is_fetched_for_what_cannot_be_read() -> None:
    assert looked_up(lambda _: (b"garbage",))[1] == ()
