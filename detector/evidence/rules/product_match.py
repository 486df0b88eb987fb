"""product-match: an issuer on the path names a product that intercepts.

Sources: Chromium's ssl_error_assistant, vendors' documentation, public code; see data/products.toml. What the
name weighs is `detector.evidence.products`.
"""

from __future__ import annotations

from typing import Any

from detector.evidence.examination import Examination
from detector.evidence.products import (
    APPLIANCES,
    matching_product,
    poses_as_state,
    why_weak,
)
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    product = matching_product(seen.path, seen.known)
    if product is None:
        return None
    details: dict[str, Any] = {
        "product": product.name,
        "category": product.category,
        "source": product.source,
    }
    text = f"The issuer is the one {product.name} writes ({seen.leaf.issuer_text})"
    # On an internal name these are the vendor's own appliance showing its page, not its work.
    if poses_as_state(product, seen) and seen.claims_name and not seen.is_internal:
        text += ", but no key above the leaf is its."
        details |= {"product": None, "category": None}  # somebody who poses as it
        return Evidence("product-match", "intercepted", "strong", text, details)
    if product.territory or (seen.is_internal and product.category in APPLIANCES):
        return Evidence("product-match", "neutral", "weak", f"{text}.", details)
    why = why_weak(product, seen)
    strength: Strength = "weak" if why else "strong"
    text += f"; {why}." if why else "."
    return Evidence("product-match", "intercepted", strength, text, details)
