from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from detector.chain.certificate import Certificate
from detector.chain.name_matching import as_read
from detector.evidence.rules import issuer_impersonated
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from tests.chain.resigning import joined, name, parts, resigned
from tests.chain.test_path import sub_ca
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_a_public_roots_name_with_another_key_is_proof(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    impostor = Authority("Lab Public Root", organization="Lab Public Trust")
    for chain in (
        (impostor.issue("a.example").der,),
        (impostor.issue("a.example").der, impostor.der),
        (impostor.issue("a.example").der, pki.root.der),
    ):
        found = ask(issuer_impersonated, observe("a.example", chain))
        assert found is not None
        assert (found.points, found.strength) == ("intercepted", "proof")


def test_an_impostor_one_step_up_is_found_too(observe: Observe, ask: Ask) -> None:
    impostor = Authority("Lab Public Root", organization="Lab Public Trust")
    below = Authority("Some Intermediate", parent=impostor)
    assert ask(issuer_impersonated, observe("a.example", below.issue("a.example"))) is not None


def test_honest_chains_are_left_alone(
    pki: LabPki, corporate: Authority, observe: Observe, ask: Ask
) -> None:
    for shown in (
        pki.issue("a.example"),
        [pki.issue("a.example").der],
        corporate.issue("a.example"),
    ):
        assert ask(issuer_impersonated, observe("a.example", shown)) is None


def test_a_root_that_did_sign_is_not_borrowed_from(pki: LabPki, observe: Observe, ask: Ask) -> None:
    """A sub-CA of the real root without BasicConstraints: broken, but nobody's impostor."""
    broken = sub_ca(pki.root)
    assert ask(issuer_impersonated, observe("a.example", broken.issue("a.example"))) is None


def test_a_damaged_signature_is_no_proof_that_somebody_borrows_the_name(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    leaf = pki.root.issue("a.example")
    bent = bytearray(leaf.der)
    bent[-1] ^= 1
    found = ask(issuer_impersonated, observe("a.example", [bytes(bent)]))
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "weak")


def test_a_signature_that_cannot_be_checked_accuses_nobody(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    leaf = pki.root.issue("a.example")
    known, unknown = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d7f7f7f")
    strange = leaf.der.replace(known, unknown)
    assert strange != leaf.der
    assert ask(issuer_impersonated, observe("a.example", [strange])) is None


def test_a_name_borrowed_without_naming_a_key_is_proof_where_the_other_key_shows(
    pki: LabPki, observe: Observe, ask: Ask
) -> None:
    """A leaf without key identifiers: the impostor's certificate, or the kind of its key, tells."""
    same = Authority("Lab Public Root", organization="Lab Public Trust")
    other_kind = Authority(
        "Lab Public Root",
        organization="Lab Public Trust",
        key=rsa.generate_private_key(65537, 2048),
    )
    cases = [(same, False, "weak"), (same, True, "proof"), (other_kind, False, "proof")]
    for impostor, sent, strength in cases:
        chain = (sub_ca(impostor).der, *((impostor.der,) if sent else ()))
        found = ask(issuer_impersonated, observe("a.example", chain))
        assert found is not None
        assert found.strength == strength


@pytest.mark.parametrize("turned", [False, True])
def test_another_way_to_write_a_public_roots_name_is_no_disguise(
    pki: LabPki, observe: Observe, ask: Ask, turned: bool
) -> None:
    loud = name(
        ("C", 0x0C, "US"), ("O", 0x1E, "LAB Public  Trust"), ("CN", 0x0C, "lab public root")
    )
    written = joined(0x30, parts(loud)[::-1]) if turned else loud
    impostor = Authority("Somebody")
    fake = resigned(impostor.der, impostor, lambda f: [*f[:3], written, f[4], written, *f[6:]])
    leaf = resigned(impostor.issue("a.example").der, impostor, lambda f: [*f[:3], written, *f[4:]])
    for chain in ([leaf, fake], [leaf]):
        found = ask(issuer_impersonated, observe("a.example", chain))
        assert found is not None
        assert (found.points, found.strength) == ("intercepted", "proof")


def known_intermediate(known: Knowledge, authority: Authority) -> Knowledge:
    """Somebody ships a table that has this CA."""
    found = Certificate(authority.der)
    return replace(known, intermediates={as_read(found.subject): frozenset((found.spki_sha256,))})


def test_a_public_intermediates_name_over_another_key_is_proof_where_that_key_is_shown(
    known: Knowledge, observe: Observe, ask: Ask
) -> None:
    genuine, impostor = Authority("R99", parent=Authority("A Root")), Authority("R99")
    knowledge = known_intermediate(known, genuine)
    leaf = impostor.issue("a.example")
    shown = observe("a.example", (leaf.der, impostor.der))
    found = ask(issuer_impersonated, shown, knowledge)
    assert found is not None
    assert (found.points, found.strength) == ("intercepted", "proof")
    assert ask(issuer_impersonated, shown) is None
    # Of a key that is not there nothing can be said but by who has it.
    assert ask(issuer_impersonated, observe("a.example", [leaf.der]), knowledge) is None


def test_a_public_intermediate_under_a_root_that_is_unknown_here_borrows_nothing(
    known: Knowledge, observe: Observe, ask: Ask
) -> None:
    root = Authority("A Root")
    genuine = Authority("R99", parent=root)
    shown = observe("a.example", (*genuine.issue("a.example").chain, root.der))
    assert ask(issuer_impersonated, shown, known_intermediate(known, genuine)) is None
