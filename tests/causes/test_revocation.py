"""Answers about a leaf: good, revoked, and the many that will not do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from detector.causes.revocation import crl_state, ocsp_state, promises_staple
from detector.chain.certificate import Certificate
from detector.lab.ca_service import revocation_list, staple
from detector.lab.pki import Credential, LabPki


def now() -> datetime:
    """The answers are of this moment, which may be long after the tests began."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def world() -> LabPki:
    return LabPki()


def leaf_and_issuer(world: LabPki) -> tuple[Credential, Certificate, Certificate]:
    credential = world.issue("a.com")
    return credential, Certificate(credential.der), Certificate(world.intermediate.der)


def test_good_and_revoked_are_told_apart(world: LabPki) -> None:
    credential, leaf, issuer = leaf_and_issuer(world)
    assert (
        ocsp_state("it", staple(world.intermediate, credential), leaf, issuer, now()).status
        == "good"
    )
    assert (
        crl_state("it", revocation_list(world.intermediate), leaf, issuer, now()).status == "good"
    )
    world.intermediate.revoked.add(leaf.serial)
    for state in (
        ocsp_state("it", staple(world.intermediate, credential), leaf, issuer, now()),
        crl_state("it", revocation_list(world.intermediate), leaf, issuer, now()),
    ):
        assert (state.status, state.reason) == ("revoked", "keyCompromise")
        assert state.since is not None


def test_an_answer_of_somebody_else_is_unusable(world: LabPki) -> None:
    credential, leaf, issuer = leaf_and_issuer(world)
    stranger = LabPki().intermediate
    for state in (
        ocsp_state("it", staple(stranger, credential), leaf, issuer, now()),
        crl_state("it", revocation_list(stranger), leaf, issuer, now()),
    ):
        assert state.status == "unusable"
        assert "signature is not the issuer's" in state.reason


def test_an_answer_about_another_leaf_or_of_another_time_is_unusable(world: LabPki) -> None:
    credential, leaf, issuer = leaf_and_issuer(world)
    other = Certificate(world.issue("b.com").der)
    answer = staple(world.intermediate, credential)
    assert (
        ocsp_state("it", answer, other, issuer, now()).reason == "it is about another certificate"
    )
    for days in (-1, 30):
        late = ocsp_state("it", answer, leaf, issuer, now() + timedelta(days=days))
        assert late.reason == "it is not of this time"
    old = crl_state(
        "it", revocation_list(world.intermediate), leaf, issuer, now() + timedelta(days=30)
    )
    assert old.reason == "it is out of date"


def test_the_promise_to_staple_is_read_from_the_leaf(world: LabPki) -> None:
    promise = x509.TLSFeature([x509.TLSFeatureType.status_request])
    assert promises_staple(Certificate(world.issue("a.com", extra=((promise, False),)).der))
    assert not promises_staple(Certificate(world.issue("a.com").der))


@given(st.binary(max_size=300))
def test_any_bytes_are_an_unusable_answer(data: bytes) -> None:
    _, leaf, issuer = SAMPLE
    assert ocsp_state("it", data, leaf, issuer, now()).status == "unusable"
    assert crl_state("it", data, leaf, issuer, now()).status == "unusable"


SAMPLE = leaf_and_issuer(LabPki())
