"""May a certificate stand above others? What its owner was given the right to (RFC 5280 section 6.1.4).

A CA, whose key may sign certificates, for servers too; with no more CAs below it than it allows; whose
name constraints admit what is below; and in which nothing critical stands that programs do not know.
Dates are asked by `Path.lawful`: the chain of an expired CA is honest, but no more to be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from detector.chain.certificate import Certificate
from detector.chain.constraints import admits
from detector.errors import CertificateError

Refusal = Literal[
    "not-a-ca",
    "key-usage",
    "path-length",
    "usage",
    "name-constraint",
    "critical-extension",
    "unreadable",
]


def why_not(issuer: Certificate, below: Sequence[Certificate], host: str) -> Refusal | None:
    """Why `issuer` may not stand above `below` (leaf first) for `host`, None when it may."""
    try:
        constraints = issuer.basic_constraints
        if constraints is None or not constraints[0]:
            return "not-a-ca"
        return _own_limits(issuer, below, host)
    except CertificateError:
        return "unreadable"


def why_not_anchor(anchor: Certificate, below: Sequence[Certificate], host: str) -> Refusal | None:
    """The same of a trust anchor: what it leaves unsaid it need not say, for a store vouches for it."""
    try:
        constraints = anchor.basic_constraints
        if constraints is not None and not constraints[0]:
            return "not-a-ca"
        return _own_limits(anchor, below, host)
    except CertificateError:
        return "unreadable"


def _own_limits(issuer: Certificate, below: Sequence[Certificate], host: str) -> Refusal | None:
    if issuer.unheeded:
        return "critical-extension"
    if not issuer.may_sign_certificates:
        return "key-usage"
    if not issuer.may_serve_tls:
        return "usage"
    constraints = issuer.basic_constraints
    most = constraints[1] if constraints is not None else None
    # A CA that changes its key issues to itself, which adds none to the path (section 6.1.4 (l)).
    long = most is not None and len(below) - 1 > most
    if long and sum(not ca.is_self_issued for ca in below[1:]) > (most or 0):
        return "path-length"
    return None if admits(issuer, below, host) else "name-constraint"
