"""What Python since 3.13 refuses a CA for, that other programs take (RFC 5280; ssl.VERIFY_X509_STRICT). Pure.

Its ssl.create_default_context holds every certificate of a path to the RFC, as OpenSSL's X509_V_FLAG_X509_STRICT does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from detector.chain.certificate import Certificate
from detector.errors import CertificateError

SINCE = "3.13"


def refused_by_strict(ca: Certificate | None, chain: Sequence[Certificate] = ()) -> tuple[str, ...]:
    """Why, in words for a person; nothing where it is taken.

    Args:
        ca: the root.
        chain: what a server under it sends, leaf first.

    """
    found = [*_of_ca(ca)] if ca is not None else []
    for certificate in chain:
        if certificate == ca or certificate.is_self_issued:
            continue
        if certificate.authority_key_id is None:
            found.append(f"{certificate.subject_text} has no authority key identifier")
        if _is_ca(certificate):
            found += _of_ca(certificate)
    return tuple(dict.fromkeys(found))


def _of_ca(ca: Certificate) -> Iterator[str]:
    name = ca.subject_text
    critical = {short: is_critical for short, is_critical, _ in ca.extensions}
    if not critical.get("BC", False):
        yield f"{name} does not mark its basic constraints as critical"
    if "KU" not in critical:
        yield f"{name} has no key usage"
    elif not _may_sign(ca):
        yield f"{name} has a key usage without certificate signing"
    if ca.subject_key_id is None:
        yield f"{name} has no subject key identifier"


def _is_ca(certificate: Certificate) -> bool:
    try:
        constraints = certificate.basic_constraints
    except CertificateError:
        return False
    return constraints is not None and constraints[0]


def _may_sign(ca: Certificate) -> bool:
    try:
        return ca.may_sign_certificates
    except CertificateError:
        return False
