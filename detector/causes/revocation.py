"""What the CA says of the leaf: stapled, asked for, or listed.

An answer counts when it is about this leaf, signed by the issuer or by a certificate that the issuer
signed for OCSP signing (RFC 6960 section 4.2.2.2), and of its time. Anything else is "unusable", with the
reason: a client that fails hard would end the handshake, one that fails soft go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from detector.chain.certificate import Certificate
from detector.chain.signature import is_signature
from detector.errors import CertificateError

if TYPE_CHECKING:
    from detector.causes.clues import Clues

_SLACK = timedelta(minutes=10)
_STATUS_REQUEST = b"\x02\x01\x05"  # INTEGER 5 in the TLS feature extension (RFC 7633)
# What cryptography raises for what it cannot read; not all of it is a ValueError.
UNREADABLE = (
    ValueError, TypeError, UnsupportedAlgorithm, CertificateError, x509.InvalidVersion,
    x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
)  # fmt: skip


class RevocationState(msgspec.Struct, frozen=True):
    """One answer about the leaf. `reason` says why it is revoked, or why the answer is unusable."""

    source: str
    status: Literal["good", "revoked", "unknown", "unusable"]
    reason: str = ""
    since: datetime | None = None


def revocation_states(clues: Clues) -> Iterator[RevocationState]:
    """Every answer at hand, the stapled one first."""
    if clues.seen is None:
        return
    if clues.staple is not None:
        yield stapled(clues, clues.staple)
    issuer = _issuer(clues)
    for lookup in clues.inquiry.lookups:
        if lookup.kind == "issuer" or not lookup.body or issuer is None:
            continue
        if lookup.kind == "ocsp":
            source = f"The CA's OCSP responder {lookup.url}"
            yield ocsp_state(source, lookup.body, clues.seen.leaf, issuer, clues.at)
        else:
            yield crl_state(
                f"The CA's list {lookup.url}", lookup.body, clues.seen.leaf, issuer, clues.at
            )


def stapled(clues: Clues, staple: bytes) -> RevocationState:
    """What the stapled response says."""
    issuer = _issuer(clues)
    assert clues.seen is not None
    if issuer is None:
        return RevocationState("The stapled OCSP response", "unusable", "the issuer is not known")
    return ocsp_state("The stapled OCSP response", staple, clues.seen.leaf, issuer, clues.at)


def promises_staple(leaf: Certificate) -> bool:
    """The TLS feature extension with status_request (RFC 7633 section 4)."""
    return _STATUS_REQUEST in (leaf.extension("TLSFEATURE") or b"")


def ocsp_state(
    source: str, data: bytes, leaf: Certificate, issuer: Certificate, at: datetime
) -> RevocationState:
    """One OCSP response (DER) about `leaf`. Never raises."""

    def unusable(why: str) -> RevocationState:
        return RevocationState(source, "unusable", why)

    try:
        response = ocsp.load_der_ocsp_response(data)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return unusable(f"the responder says {response.response_status.name.lower()}")
        if response.serial_number != leaf.serial:
            return unusable("it is about another certificate")
        if not _responder_signed(response, issuer):
            return unusable("its signature is not the issuer's")
        until = response.next_update_utc
        if response.this_update_utc > at + _SLACK or (until is not None and until < at - _SLACK):
            return unusable("it is not of this time")
        if response.certificate_status is ocsp.OCSPCertStatus.REVOKED:
            reason = response.revocation_reason
            why = reason.value if reason is not None else ""
            return RevocationState(source, "revoked", why, response.revocation_time_utc)
        good = response.certificate_status is ocsp.OCSPCertStatus.GOOD
        return RevocationState(source, "good" if good else "unknown")
    except UNREADABLE as error:
        return unusable(f"it cannot be read ({error})")


def crl_state(
    source: str, data: bytes, leaf: Certificate, issuer: Certificate, at: datetime
) -> RevocationState:
    """One certificate revocation list (DER) about `leaf`. Never raises."""
    try:
        listed = x509.load_der_x509_crl(data)
        if not _list_signed(listed, issuer):
            return RevocationState(source, "unusable", "its signature is not the issuer's")
        until = listed.next_update_utc
        if until is not None and until < at - _SLACK:
            return RevocationState(source, "unusable", "it is out of date")
        entry = listed.get_revoked_certificate_by_serial_number(leaf.serial)
        if entry is None:
            return RevocationState(source, "good")
        return RevocationState(source, "revoked", _entry_reason(entry), entry.revocation_date_utc)
    except UNREADABLE as error:
        return RevocationState(source, "unusable", f"it cannot be read ({error})")


def _issuer(clues: Clues) -> Certificate | None:
    return clues.seen.path.issuer if clues.seen is not None else None


def _responder_signed(response: ocsp.OCSPResponse, issuer: Certificate) -> bool:
    algorithm = response.signature_hash_algorithm
    signed, signature = response.tbs_response_bytes, response.signature
    if is_signature(issuer.spki, signature, signed, algorithm):
        return True
    for helper in response.certificates[:4]:
        candidate = Certificate(helper.public_bytes(Encoding.DER))
        if "1.3.6.1.5.5.7.3.9" not in (candidate.usages or ()):
            continue
        hash_used = candidate.x509.signature_hash_algorithm
        own = candidate.x509.tbs_certificate_bytes
        if is_signature(issuer.spki, candidate.x509.signature, own, hash_used) and is_signature(
            candidate.spki, signature, signed, algorithm
        ):
            return True
    return False


def _list_signed(listed: x509.CertificateRevocationList, issuer: Certificate) -> bool:
    algorithm = listed.signature_hash_algorithm
    return is_signature(issuer.spki, listed.signature, listed.tbs_certlist_bytes, algorithm)


def _entry_reason(entry: x509.RevokedCertificate) -> str:
    try:
        return str(entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return ""
