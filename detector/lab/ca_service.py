"""What the lab's certificates point to: the CA's certificate, its revocation list, its OCSP responder."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from detector.chain import der
from detector.chain.stapled_scts import SCT_LIST_OID
from detector.lab.answer import Answer, Request
from detector.lab.pki import Authority, Credential, LabPki, encoded
from detector.lab.web import Web

# Seconds; nobody's patience is that long.
_SILENCE = 300.0
_ECDSA_SHA256 = bytes.fromhex("2a8648ce3d040302")  # 1.2.840.10045.4.3.2
_BASIC_RESPONSE = bytes.fromhex("2b0601050507300101")  # 1.3.6.1.5.5.7.48.1.1


def ca_service(pki: LabPki) -> Web:
    """Serves `pki`. Give its address to `pki.web` before anything is issued."""

    async def answer(request: Request) -> Answer:
        name, _, rest = request.target.lstrip("/").partition("/")
        address, _, kind = name.partition(".")
        authority = next((a for a in (pki.root, *pki.authorities) if a.address == address), None)
        if authority is None:
            return Answer(b"no such CA\n", "text/plain", 404)
        if kind == "der":
            return Answer(authority.der, "application/pkix-cert")
        if authority.silent and kind in ("crl", "ocsp"):
            await asyncio.sleep(_SILENCE)
            return Answer(b"too late\n", "text/plain", 503)
        if kind == "crl":
            return Answer(revocation_list(authority), "application/pkix-crl")
        if kind == "ocsp":
            asked = request.body or base64.b64decode(unquote(rest))
            return Answer(ocsp_answer(authority, asked), "application/ocsp-response")
        return Answer(b"no such thing\n", "text/plain", 404)

    return Web(None, answer)


def connected(pki: LabPki, service: Web) -> None:
    """Let the CAs of `pki` name `service`, which has been started."""
    host = f"[{service.host}]" if ":" in service.host else service.host
    pki.web = f"http://{host}:{service.port}"
    for authority in (pki.root, *pki.authorities):
        authority.web = pki.web


def revocation_list(authority: Authority) -> bytes:
    """The authority's list as of now (DER)."""
    now = _now()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(now + timedelta(days=7))
    )
    for serial in authority.revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
        reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
        builder = builder.add_revoked_certificate(entry.add_extension(reason, False).build())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)


def ocsp_answer(authority: Authority, request: bytes) -> bytes:
    """The responder's answer to one request (both DER)."""
    serial = ocsp.load_der_ocsp_request(request).serial_number
    return _response(authority, serial, _stub(authority, serial))


def staple(
    authority: Authority, credential: Credential, sct_extension: bytes | None = None
) -> bytes:
    """A response to staple (DER); `sct_extension` is the value of its extension with SCTs."""
    response = _response(authority, credential.certificate.serial_number, credential.certificate)
    return response if sct_extension is None else _with_scts(authority, response, sct_extension)


def _with_scts(authority: Authority, response: bytes, value: bytes) -> bytes:
    """The response with single extensions, which cryptography reads but does not write, signed anew."""
    data = ocsp.load_der_ocsp_response(response).tbs_response_bytes
    _, start, stop = der.element(data, 0, len(data))
    *before, (tag, first, last) = der.children(data, start, stop)
    _, single, end = der.element(data, first, last)
    oid = encoded(der.OID, SCT_LIST_OID)
    extension = encoded(der.SEQUENCE, oid + encoded(der.OCTET_STRING, value))
    added = encoded(0xA1, encoded(der.SEQUENCE, extension))
    answers = encoded(tag, encoded(der.SEQUENCE, data[single:end] + added))
    signed = encoded(der.SEQUENCE, data[start : before[-1][2]] + answers)
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    signature = authority.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    algorithm = encoded(der.SEQUENCE, encoded(der.OID, _ECDSA_SHA256))
    basic = encoded(der.SEQUENCE, signed + algorithm + encoded(der.BIT_STRING, b"\0" + signature))
    body = encoded(der.OID, _BASIC_RESPONSE) + encoded(der.OCTET_STRING, basic)
    successful = b"\x0a\x01\x00"
    return encoded(der.SEQUENCE, successful + encoded(0xA0, encoded(der.SEQUENCE, body)))


def _response(authority: Authority, serial: int, certificate: x509.Certificate) -> bytes:
    now = _now()
    revoked = serial in authority.revoked
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate,
        issuer=authority.certificate,
        algorithm=hashes.SHA1(),  # noqa: S303 (what RFC 6960 clients send)
        cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
        this_update=now,
        next_update=now + timedelta(days=3),
        revocation_time=now if revoked else None,
        revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
    )
    by_key = ocsp.OCSPResponderEncoding.HASH
    signed = builder.responder_id(by_key, authority.certificate).sign(
        authority.key, hashes.SHA256()
    )
    return signed.public_bytes(Encoding.DER)


def _stub(authority: Authority, serial: int) -> x509.Certificate:
    """A certificate with that serial number: the builder wants one, the response keeps the number."""
    key = ec.generate_private_key(ec.SECP256R1())
    start = _now() - timedelta(days=1)
    builder = x509.CertificateBuilder(
        issuer_name=authority.certificate.subject, subject_name=authority.certificate.subject,
        public_key=key.public_key(), serial_number=serial, not_valid_before=start,
        not_valid_after=start + timedelta(days=2),
    )  # fmt: skip
    return builder.sign(authority.key, hashes.SHA256())


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
