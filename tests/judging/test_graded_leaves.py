"""What an interceptor mints, over several names."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from detector.judging.grade import grade
from detector.known.knowledge import PublishedKey, PublishedKeys
from detector.lab.broken_certificates import signed_anew
from detector.lab.pki import Authority, Credential
from detector.model.grades import GOOD
from tests.judging.graded_seen import AT, TESTS, answer, corporate, days, minted, seen, visit

CERTIFICATES = ("expired", "wrong-name", "unknown-ca", "self-signed", "rsa-512")
GOOD_ONES = (GOOD, "server-rc4", "server-tls10")
LABELS = (*GOOD_ONES, *CERTIFICATES)
RSA = Authority("Example Corp RSA CA", key=rsa.generate_private_key(65537, 2048), profile=False)


def outcome(test: str, leaves: dict[str, Credential]) -> tuple[str, str]:
    found = answer(
        seen(*(visit(one, "answered" if one == GOOD else "page", leaf) for one, leaf in leaves.items())), test
    )  # fmt: skip
    return found.outcome, found.seen


def all_minted() -> dict[str, Credential]:
    return {one: minted(one) for one in LABELS}


@pytest.mark.parametrize(
    "test",
    ["leaf-key-of-ca", "leaf-key-shared", "leaf-key-weak", "leaf-signed-weakly",
     "serial-predictable", "leaf-long-lived", "scts-copied"],
)  # fmt: skip
def test_leaves_that_are_well_made_pass(test: str) -> None:
    assert outcome(test, all_minted())[0] == "passed"


def test_a_ca_whose_key_was_published_fails_and_one_that_is_not_sent_is_unknown() -> None:
    ca = corporate()
    sent = Credential(minted(GOOD).certificate, minted(GOOD).key, (ca.certificate,))
    whole = seen(visit(GOOD, "answered", sent))
    assert answer(whole, "ca-key-published").outcome == "passed"
    key = PublishedKey("Example Appliance", "a test", sha256=sha256(ca.der).hexdigest())
    found = grade(whole, TESTS, PublishedKeys([key])).answers
    told = next(one for one in found if one.test == "ca-key-published")
    assert (told.outcome, told.seen) == ("failed", "it is the key of Example Appliance")
    assert outcome("ca-key-published", all_minted())[0] == "unclear"
    signs = PublishedKey("Example Appliance", "a test", spki=ca.spki)
    unsent = grade(seen(visit(GOOD, "answered")), TESTS, PublishedKeys([signs])).answers
    told = next(one for one in unsent if one.test == "ca-key-published")
    assert (told.outcome, told.seen) == ("failed", "the key of Example Appliance signed a leaf")


def test_one_key_for_all_names_fails() -> None:
    key = rsa.generate_private_key(65537, 2048)
    leaves = {one: corporate().issue(f"{one}.grade.test", key=key) for one in LABELS}
    assert outcome("leaf-key-shared", leaves) == ("failed", "8 names, one key")


def test_the_cas_own_key_in_a_leaf_fails_though_the_ca_is_not_sent() -> None:
    key = rsa.generate_private_key(65537, 2048)
    ca = Authority("Example Corp CA", key=key, profile=False)
    leaf = ca.issue("good.grade.test", key=key)
    assert outcome("leaf-key-of-ca", {GOOD: Credential(leaf.certificate, key)})[0] == "failed"


@pytest.mark.parametrize(
    ("test", "leaf"),
    [
        ("leaf-key-weak", lambda name: RSA.issue(name, key=rsa.generate_private_key(65537, 1024))),
        ("leaf-signed-weakly", lambda name: Credential(
            signed_anew(RSA.issue(name).certificate, RSA.key, hashes.SHA1()), RSA.key)),
        ("leaf-long-lived", lambda name: RSA.issue(name, days=3650)),
    ],
)  # fmt: skip
def test_a_bad_leaf_fails_unless_it_is_that_of_a_bad_server_which_is_copied(
    test: str, leaf: object
) -> None:
    make = leaf
    assert callable(make)
    for label, how in ((GOOD, "failed"), ("server-rc4", "failed"), ("expired", "passed")):
        leaves = all_minted() | {label: make(f"{label}.grade.test")}
        assert outcome(test, leaves)[0] == how, label


def test_serials_that_count_fail_and_one_leaf_for_all_names_says_nothing() -> None:
    counting = {
        one: Credential(_with_serial(minted(one), 1000 + number), minted(one).key)
        for number, one in enumerate(LABELS)
    }
    assert outcome("serial-predictable", counting)[0] == "failed"
    wildcard = corporate().issue("*.grade.test", start=AT - days(1))
    assert outcome("serial-predictable", dict.fromkeys(LABELS, wildcard))[0] == "unclear"


def _with_serial(one: Credential, serial: int):  # type: ignore[no-untyped-def]
    from cryptography import x509

    old = one.certificate
    builder = x509.CertificateBuilder(
        old.issuer, old.subject, old.public_key(), serial, old.not_valid_before_utc, old.not_valid_after_utc,
    )  # fmt: skip
    return builder.sign(corporate().key, hashes.SHA256())
