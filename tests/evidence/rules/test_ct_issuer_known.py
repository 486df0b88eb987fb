from dataclasses import replace

from detector.chain.certificate import Certificate
from detector.evidence.rules import ct_issuer_known
from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_the_logged_issuer_is_recognised_by_key(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    key = Certificate(pki.intermediate.der).spki_sha256
    issuers = (IssuerTable((KnownIssuers(HostPattern(".a.example"), frozenset((key,)), "test"),)),)
    knowledge = replace(known, issuers=issuers)
    found = ask(ct_issuer_known, observe("www.a.example", pki.issue("www.a.example")), knowledge)
    assert found is not None
    assert found.points == "direct"
    other = observe("b.example", pki.issue("b.example"))
    assert ask(ct_issuer_known, other, knowledge) is None
