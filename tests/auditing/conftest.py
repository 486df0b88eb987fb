"""A world for the audit: a public root, known products, and short ways to make stores."""

from __future__ import annotations

from datetime import date

import pytest

from detector.auditing.model import Place, Root, TrustKnowledge
from detector.chain.certificate import Certificate
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.programs import Unsafe

TODAY = date(2026, 11, 23)
UNSAFE = {
    "env:NODE_TLS_REJECT_UNAUTHORIZED": (Unsafe("env:NODE_TLS_REJECT_UNAUTHORIZED", "0"),),
    "pip:global.trusted-host": (Unsafe("pip:global.trusted-host"),),
    "npmrc:strict-ssl": (Unsafe("npmrc:strict-ssl", "false"),),
    "condarc:ssl_verify": (Unsafe("condarc:ssl_verify", "false|no"),),
    "curlrc:insecure": (Unsafe("curlrc:insecure"),),
}


@pytest.fixture
def judging(pki: LabPki, known: Knowledge) -> TrustKnowledge:
    """The lab's root is a public program's."""
    public = {Certificate(pki.root.der).sha256: "Lab Public Root"}
    return TrustKnowledge(known, public, TODAY, UNSAFE)


def place(*authorities: Authority | bytes, path: str = "/etc/bundle.pem") -> Place:
    """A store that trusts these."""
    ders = (a.der if isinstance(a, Authority) else a for a in authorities)
    return Place("os", path, tuple(Root(Certificate(der)) for der in ders))
