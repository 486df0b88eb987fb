"""A world for the audit: a public root, known products, and short ways to make stores."""

from __future__ import annotations

from datetime import date

import pytest

from detector.auditing.model import Place, Root, TrustKnowledge
from detector.chain.certificate import Certificate
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki

TODAY = date(2026, 11, 23)


@pytest.fixture
def judging(pki: LabPki, known: Knowledge) -> TrustKnowledge:
    """The lab's root is a public program's."""
    return TrustKnowledge(known, {Certificate(pki.root.der).sha256: "Lab Public Root"}, TODAY)


def place(*authorities: Authority | bytes, path: str = "/etc/bundle.pem") -> Place:
    """A store that trusts these."""
    ders = (a.der if isinstance(a, Authority) else a for a in authorities)
    return Place("os", path, tuple(Root(Certificate(der)) for der in ders))
