"""NIST's PKITS, beside what its names say of each chain; each difference has a reason.

The certificates are those of PyPI's cryptography_vectors. Lists of revoked certificates and policies
are none of this product's business.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from detector.chain.certificate import Certificate
from detector.chain.name_matching import normalised
from detector.model.observation import Handshake, Observation, Target
from tests.comparison import accepted, compared, differences, knowledge, totals

AT = datetime(2026, 11, 1, tzinfo=UTC)
# They name no server, and are signed as in 2010.
_NOT_ASKED = frozenset(("hostname-mismatch",))


def certificates() -> dict[str, Certificate]:
    spec = find_spec("cryptography_vectors")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "x509" / "PKITS_data" / "certs"
    return {path.stem: Certificate(path.read_bytes()) for path in sorted(folder.glob("*.crt"))}


def above(leaf: Certificate, by_name: dict[str, list[Certificate]]) -> list[Certificate]:
    """All CAs that could lead from a leaf to the anchor."""
    found: list[Certificate] = []
    open_ends = [leaf]
    while open_ends:
        for ca in by_name.get(normalised(open_ends.pop().issuer), ()):
            if ca not in found:
                found.append(ca)
                open_ends.append(ca)
    return found


def test_every_difference_from_pkits_has_a_reason() -> None:
    named = certificates()
    root = named.pop("TrustAnchorRootCertificate")
    by_name: dict[str, list[Certificate]] = {}
    for name, certificate in named.items():
        if not name.endswith("EE"):
            by_name.setdefault(normalised(certificate.subject), []).append(certificate)
    ours: dict[str, bool] = {}
    known = knowledge((root.der,))
    for name, leaf in named.items():
        if name.startswith(("Valid", "Invalid")):
            host = (*leaf.dns_names, "nobody.example")[0]
            chain = (leaf.der, *(ca.der for ca in above(leaf, by_name)))
            seen = Observation(AT, Target(host, sni=host), chain=chain, handshake=Handshake(True))
            ours[name] = accepted(seen, known, _NOT_ASKED)
    found = compared(ours, {name: name.startswith("Valid") for name in ours})
    print(totals(ours, found))
    assert len(ours) == 203
    assert found == differences("pkits")
