"""Which SCTs count, and when it is worth to look for more."""

from __future__ import annotations

import pytest

from detector.chain.certificate import Certificate
from detector.evidence.scts import scts_of
from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki, sct_list
from tests.conftest import Observe


@pytest.mark.parametrize(
    ("scts", "ocsp"),
    [
        (b"", None),
        (b"\x00", None),
        (b"\xff\xff" + bytes(9), None),
        (b"\x00\x03\x00\x01\x00", b"\x30\x80"),
        (None, b"\x30\x03\x0a\x01\x00"),
        (None, bytes.fromhex("2b06010401d679020405")),
        (sct_list([b"x" * 60] * 1000), b""),
    ],
)
def test_what_cannot_be_read_beside_the_leaf_takes_nothing_from_those_in_it(
    pki: LabPki, known: Knowledge, observe: Observe, scts: bytes | None, ocsp: bytes | None
) -> None:
    credential = pki.issue("a.example")
    seen = observe("a.example", credential, scts=scts, ocsp=ocsp)
    leaf, issuer = Certificate(credential.der), Certificate(pki.intermediate.der)
    found = scts_of(seen, leaf, issuer, known.logs)
    assert [(r.status, r.source) for r in found] == [("valid", "certificate")] * 2
