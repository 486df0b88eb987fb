"""product-match: an issuer on the path names a product that intercepts.

The issuer is matched, never the subject: the vendor's own web site is no interception. Public
paths are left alone, because vendors' names are in public CAs too (Cisco, Cloudflare, Trustwave).
Sources: Chromium's ssl_error_assistant, vendors' documentation; see data/products.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from detector.chain.certificate import Certificate
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Knowledge, Product
from detector.model.observation import Evidence, Strength

# On an internal name these are the vendor's own appliance showing its page, not its work.
_APPLIANCES = frozenset(("enterprise-gateway", "network-gear", "school-gateway", "parental"))

_REMEMBERED = 1024


def matching_product(seen: Examination) -> Product | None:
    """The first product whose expressions an issuer on the path matches; a strong one if any."""
    if seen.is_public_path:
        return None
    found = (_product_of(certificate, seen.known) for certificate in seen.path.certificates)
    return _best(product for product in found if product is not None)


def find(seen: Examination, _: Sharing) -> Evidence | None:
    product = matching_product(seen)
    if product is None:
        return None
    details = {"product": product.name, "category": product.category, "source": product.source}
    text = f"The issuer is the one {product.name} writes ({seen.leaf.issuer_text})."
    if product.territory or (seen.is_internal and product.category in _APPLIANCES):
        return Evidence("product-match", "neutral", "weak", text, details)
    strength: Strength = "weak" if product.weak else "strong"
    return Evidence("product-match", "intercepted", strength, text, details)


def _product_of(certificate: Certificate, known: Knowledge) -> Product | None:
    """The product that writes this issuer. Remembered: one issuer signs thousands of leaves."""
    remembered = known.products_by_issuer
    if certificate.issuer not in remembered:
        if len(remembered) >= _REMEMBERED:
            remembered.clear()
        remembered[certificate.issuer] = product_named(certificate.issuer_fields, known)
    return remembered[certificate.issuer]


def product_named(fields: dict[str, list[str]], known: Knowledge) -> Product | None:
    """The product that writes a CA's name of these attributes, by short name."""
    return _best(
        product
        for product, tests in known.product_tests
        if all(_holds(expression, fields.get(name)) for name, expression in tests)
    )


def _best(products: Iterable[Product]) -> Product | None:
    """The first that may decide, else the first at all."""
    weak: Product | None = None
    for product in products:
        if not product.weak:
            return product
        weak = weak or product
    return weak


def _holds(expression: re.Pattern[str], values: list[str] | None) -> bool:
    return values is not None and any(expression.fullmatch(value) for value in values)
