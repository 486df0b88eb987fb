"""Odd certificates from end to end: genuine ones are not accused, impossible ones are not excused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from detector.chain import der
from detector.chain.certificate import Certificate
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki, sct_extension
from detector.model.observation import Judgement
from tests.chain.resigning import (
    Parts,
    extensions_changed,
    joined,
    name,
    parts,
    resigned,
    spelt_out,
)
from tests.conftest import NOW, Observe

HOST = "www.shop.com"
SCT_LIST = bytes.fromhex("060a2b06010401d679020402")
OLD = datetime(2015, 1, 1, tzinfo=UTC)
Change = Callable[[Parts], Parts]


def logged(pki: LabPki, issuer: Authority, change: Change) -> bytes:
    """A leaf with an oddity that its CA signed, and whose SCTs are over just that."""
    bare = resigned(issuer.issue(HOST, logs=()).der, issuer, change)
    scts = [log.sign(Certificate(bare).tbs, issuer.spki) for log in pki.logs]
    value = der.encode(der.OCTET_STRING, sct_extension(scts))
    more = extensions_changed(lambda listed: [*listed, joined(0x30, [SCT_LIST, value])])
    return resigned(bare, issuer, more)


def odd_letters(fields: Parts) -> Parts:
    return [*fields[:5], name(("O", 0x13, "A&B Stores"), ("CN", 0x13, HOST)), *fields[6:]]


def judged(observe: Observe, known: Knowledge, chain: tuple[bytes, ...]) -> Judgement:
    (found,) = judge_all([observe(HOST, chain)], known)
    return found


@pytest.mark.parametrize("key", [None, rsa.generate_private_key(65537, 2048)], ids=["ec", "rsa"])
@pytest.mark.parametrize("change", [extensions_changed(spelt_out), odd_letters])
def test_a_genuine_chain_that_strict_parsers_refuse_is_direct(
    pki: LabPki, known: Knowledge, observe: Observe, change: Change, key: rsa.RSAPrivateKey | None
) -> None:
    issuer = pki.authority("Odd Issuing", key=key)
    leaf = logged(pki, issuer, change)
    above = resigned(issuer.der, pki.root, extensions_changed(spelt_out))
    found = judged(observe, known, (leaf, above))
    assert found.verdict == "direct", found.evidence
    with pytest.raises(ValueError, match=r".*"):
        _ = [x509.load_der_x509_certificate(one).extensions for one in (leaf, above)]


def test_an_intermediate_that_names_its_root_in_another_string_type_is_on_a_public_path(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    written = name(
        ("C", 0x13, "US"), ("O", 0x1E, "Lab Public Trust"), ("CN", 0x14, "Lab Public Root")
    )
    odd = resigned(pki.intermediate.der, pki.root, lambda f: [*f[:3], written, *f[4:]])
    assert judged(observe, known, (pki.issue(HOST).der, odd)).verdict == "direct"


def test_a_leaf_of_the_year_0_is_judged_and_is_impossible(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    times = joined(0x30, [b"\x18\x0f00000101000000Z", b"\x18\x0f20560101000000Z"])
    bare = pki.issue(HOST, logs=()).der
    leaf = resigned(bare, pki.intermediate, lambda f: [*f[:4], times, *f[5:]])
    found = judged(observe, known, (leaf, pki.intermediate.der))
    assert found.verdict == "suspect"
    assert any(e.id == "profile-not-public" and e.strength == "strong" for e in found.evidence)
    assert "validity-too-long" in {cause.id for cause in found.causes}


def test_a_leaf_that_was_dated_back_to_before_all_rules_is_suspect(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    for start in (OLD, datetime(2016, 9, 30, tzinfo=UTC), datetime(2009, 1, 1, tzinfo=UTC)):
        leaf = pki.issue(HOST, logs=(), start=start, days=(NOW - start).days + 400)
        found = judged(observe, known, leaf.chain)
        assert found.verdict == "suspect"
        assert any(e.id == "profile-not-public" and e.strength == "strong" for e in found.evidence)


def test_a_ca_that_is_held_to_another_owners_names_makes_no_public_path(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    other = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Only This")])
    limits = x509.NameConstraints([x509.DirectoryName(other)], None)
    narrow = pki.authority("Narrow", extra=((limits, True),))
    found = judged(observe, known, narrow.issue(HOST, logs=()).chain)
    assert found.verdict == "suspect"
    assert [c.id for c in found.causes if c.severity == "error"] == ["name-constraint"]


def test_an_expired_issuer_is_told_and_an_honest_chain_below_it_is_not_accused(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    old = pki.authority("Old", now=NOW - timedelta(days=400), days=200)
    for start in (NOW - timedelta(days=1), NOW - timedelta(days=250)):
        leaf = old.issue(HOST, start=start, days=300)
        found = judged(observe, replace(known, pins=()), leaf.chain)
        assert found.verdict in ("consistent", "direct", "suspect")
        assert "intermediate-expired" in {cause.id for cause in found.causes}


def test_parts_that_are_put_together_again_are_the_certificate(pki: LabPki) -> None:
    """The tests' own tool: nothing else than what a test changes is changed."""
    data = pki.issue(HOST).der
    again = resigned(data, pki.intermediate, lambda fields: fields)
    assert parts(again)[:2] == parts(data)[:2]
