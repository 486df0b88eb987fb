"""published-key: the store trusts a key that everybody has (Superfish, eDellRoot, eMudhra's G3C, ...)."""

from __future__ import annotations

from detector.auditing.model import Finding, Place, Root, TrustKnowledge


def find(root: Root, place: Place, known: TrustKnowledge) -> Finding | None:
    certificate = root.certificate
    key = known.known.published.find(certificate.spki_sha256, certificate.sha256, certificate.sha1)
    if key is None:
        return None
    text = f"The private key of {key.name} is public: anybody can sign for any site with it."
    if key.use == "server":
        text = f"The private key of {key.name} is public: anybody can pose as it."
    remedy = "remove it at once, and look for the program that put it there"
    return Finding("published-key", "error", text, remedy, place.path, certificate.sha256)
