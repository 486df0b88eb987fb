"""interceptor-root: the store trusts a root that an intercepting product makes.

By the name the product writes into its CA (data/products.toml), or by a key of Chrome's list.
"""

from __future__ import annotations

from detector.auditing.model import Finding, Level, Place, Root, TrustKnowledge
from detector.evidence.products import product_named

_WORST = ("adware", "malware")


def find(root: Root, place: Place, known: TrustKnowledge) -> Finding | None:
    certificate = root.certificate
    if certificate.sha256 in known.public:
        return None
    product = product_named(certificate.subject_fields, known.known)
    if product is not None and not product.weak:
        level: Level = "error" if product.category in _WORST else "warning"
        text = f"A root of {product.name} ({product.category}): it can read what goes over TLS."
    elif certificate.spki_sha256 in known.known.interception:
        level = "warning"
        text = "A root whose key Chrome knows to be used for interception."
    else:
        return None
    sanctioned = any(s.spki == certificate.spki_sha256 for s in known.known.policy.sanctioned)
    if sanctioned:
        return Finding(
            "interceptor-root", "note", f"{text} The policy allows it.", "", place.path,
            certificate.sha256,
        )  # fmt: skip
    remedy = "remove it, unless somebody answers for it; then list its key in the policy"
    if level == "error":
        remedy = "remove it, and the program that put it there"
    return Finding("interceptor-root", level, text, remedy, place.path, certificate.sha256)
