"""Which product writes an issuer's name, and what that weighs.

Rules
-----
1. The issuer tells, never the subject; on a public path nobody does: vendors' names are in public CAs too.
2. A forger names the host that was asked for. A leaf that does not, or that signed itself, is an appliance's
   own page or a default site, whatever its issuer is called; so is one for an address.
3. A vendor's CA also signs its devices (`spare` of its row) and its own servers (`own`).
4. A state is known by its CAs' keys. Anybody may write its name, so the name excuses nothing. Where the CA
   that bears it is shown down to its root, and none of its keys is the state's, somebody poses as the
   state: both who forges for it and who borrows its name to be excused. Where the root was not sent, it may
   be the state's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from detector.chain.certificate import Certificate
from detector.chain.names import as_address, is_below
from detector.chain.path import Path
from detector.known.knowledge import Alternatives, Knowledge, Product

if TYPE_CHECKING:
    from detector.evidence.examination import Examination

_REMEMBERED = 1024
# Their boxes have pages of their own.
APPLIANCES = frozenset(("enterprise-gateway", "network-gear", "school-gateway", "parental"))


def matching_product(path: Path, known: Knowledge) -> Product | None:
    """The first product whose expressions an issuer on the path matches; a strong one if any."""
    if path.kind == "public":
        return None
    found = (_product_of(certificate, known) for certificate in path.certificates)
    return _best(product for product in found if product is not None)


def product_named(fields: dict[str, list[str]], known: Knowledge) -> Product | None:
    """The product that writes a CA's name of these attributes, by short name."""
    return _best(
        product
        for product, named, spare in known.product_tests
        if any_holds(named, fields) and not any_holds(spare, fields)
    )


def why_weak(product: Product, seen: Examination) -> str | None:
    """Why the product's name decides nothing for this observation; None where it does."""
    if product.weak:
        return "others bear such a name"
    if seen.path.kind == "self-signed":
        return "it signed itself, as an appliance's own page does"
    if not seen.holds_name and not _named_as_of_old(seen):
        return "it does not name the host, as an appliance's own page or a default site"
    if any(is_below(seen.host, domain) for domain in product.own):
        return "the host is the vendor's own"
    if product.category in APPLIANCES and as_address(seen.host) is not None:
        return "an appliance shows its own page so, by address"
    return None


def poses_as_state(product: Product, seen: Examination) -> bool:
    """Whether the whole private path bears the state's name and holds none of its keys."""
    whole = seen.path.kind in ("private", "local")
    return bool(product.territory) and whole and not is_states_own(product, seen.path)


def is_states_own(product: Product, path: Path) -> bool:
    """Whether one of the state's own CAs, by key, stands above the leaf."""
    return any(c.sha256 in product.certificates for c in path.certificates[1:])


def any_holds(rows: Alternatives, fields: dict[str, list[str]]) -> bool:
    """Whether all expressions of any alternative match."""
    return any(all(_holds(test, fields.get(name)) for name, test in row) for row in rows)


def _named_as_of_old(seen: Examination) -> bool:
    """Old interceptors write the host where RFC 9525 no longer looks: into the CN of a leaf without a SAN."""
    leaf = seen.leaf
    names = {name.lower().rstrip(".") for name in leaf.subject_fields.get("CN", ())}
    return leaf.extension("SAN") is None and seen.host in names


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
