"""What a client can see for himself of the leaf that he is shown."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from detector.judging.graded_shown import issuers, objections
from detector.lab.pki import Authority, Credential
from detector.model.grades import GOOD
from tests.judging.graded_seen import AT, corporate, days, minted, seen, visit

HOST = "expired.grade.test"


def objected(leaf: Credential) -> str:
    trusted = issuers(seen(visit(GOOD, "answered")))
    return ", ".join(objections(visit("expired", "answered", leaf), AT, trusted))


def test_a_faultless_leaf_gives_no_reason() -> None:
    assert objected(minted("expired")) == ""


def test_a_leaf_that_was_minted_while_the_run_went_on_is_valid() -> None:
    """Proxy.py mints leaves that begin now, by its own clock."""
    assert objected(corporate().issue(HOST, start=AT + days(0) + days(1) / 48)) == ""


@pytest.mark.parametrize(
    ("leaf", "why"),
    [
        (lambda: corporate().issue(HOST, start=AT - days(40), days=30), "it has ended"),
        (lambda: corporate().issue(HOST, start=AT + days(3)), "it is not valid yet"),
        (lambda: corporate().issue("another.grade.test"), "it is for another name"),
        (lambda: corporate().issue(HOST, usage=ExtendedKeyUsageOID.CLIENT_AUTH), "it is not for servers"),
        (
            lambda: corporate().issue(HOST, key=rsa.generate_private_key(65537, 1024)),
            "its key is short: RSA of 1024 bits",
        ),
        (
            lambda: Authority("Example Corp Untrusted CA", profile=False).issue(HOST),
            "another issuer signed it than for good servers",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)  # fmt: skip
def test_each_fault_is_a_reason_to_refuse(leaf: object, why: str) -> None:
    assert why in objected(leaf())  # type: ignore[operator]
