"""product-match: an issuer on the path names a product that intercepts.

The issuer is matched, never the subject: the vendor's own web site is no interception. Public
paths are left alone, because vendors' names are in public CAs too (Cisco, Cloudflare, Trustwave).
Sources: Chromium's ssl_error_assistant, vendors' documentation; see data/products.toml.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.products import matching_product
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Strength

# On an internal name these are the vendor's own appliance showing its page, not its work.
_APPLIANCES = frozenset(("enterprise-gateway", "network-gear", "school-gateway", "parental"))


def find(seen: Examination, _: Sharing) -> Evidence | None:
    product = matching_product(seen.path, seen.known)
    if product is None:
        return None
    details = {"product": product.name, "category": product.category, "source": product.source}
    text = f"The issuer is the one {product.name} writes ({seen.leaf.issuer_text})."
    if product.territory or (seen.is_internal and product.category in _APPLIANCES):
        return Evidence("product-match", "neutral", "weak", text, details)
    strength: Strength = "weak" if product.weak else "strong"
    return Evidence("product-match", "intercepted", strength, text, details)
