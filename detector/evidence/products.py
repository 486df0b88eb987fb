"""Which product writes an issuer's name: asked by rules, and by what examinations derive."""

from __future__ import annotations

import re
from collections.abc import Iterable

from detector.chain.certificate import Certificate
from detector.chain.path import Path
from detector.known.knowledge import Knowledge, Product

_REMEMBERED = 1024


def matching_product(path: Path, known: Knowledge) -> Product | None:
    """The first product whose expressions an issuer on the path matches; a strong one if any.

    None on a public path: vendors' names are in public CAs too.
    """
    if path.kind == "public":
        return None
    found = (_product_of(certificate, known) for certificate in path.certificates)
    return _best(product for product in found if product is not None)


def product_named(fields: dict[str, list[str]], known: Knowledge) -> Product | None:
    """The product that writes a CA's name of these attributes, by short name."""
    return _best(
        product
        for product, tests in known.product_tests
        if all(_holds(expression, fields.get(name)) for name, expression in tests)
    )


def _product_of(certificate: Certificate, known: Knowledge) -> Product | None:
    """The product that writes this issuer. Remembered: one issuer signs thousands of leaves."""
    remembered = known.products_by_issuer
    if certificate.issuer not in remembered:
        if len(remembered) >= _REMEMBERED:
            remembered.clear()
        remembered[certificate.issuer] = product_named(certificate.issuer_fields, known)
    return remembered[certificate.issuer]


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
