"""Certificates of a capture as Zeek's x509.log.

Algorithms, curves and names are called as OpenSSL calls them, for so does Zeek. What cannot be read is unset.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from detector.chain import der
from detector.chain.certificate import Certificate, name_text, read_certificate
from detector.chain.signature import public_key
from detector.errors import CertificateError
from detector.report.pcap_zeek import Value

X509_COLUMNS: dict[str, str] = {
    "ts": "time", "fingerprint": "string", "certificate.version": "count",
    "certificate.serial": "string", "certificate.subject": "string", "certificate.issuer": "string",
    "certificate.not_valid_before": "time", "certificate.not_valid_after": "time",
    "certificate.key_alg": "string", "certificate.sig_alg": "string",
    "certificate.key_type": "string", "certificate.key_length": "count",
    "certificate.exponent": "string", "certificate.curve": "string", "san.dns": "vector[string]",
    "san.uri": "vector[string]", "san.email": "vector[string]", "san.ip": "vector[addr]",
    "basic_constraints.ca": "bool", "basic_constraints.path_len": "count", "host_cert": "bool",
    "client_cert": "bool",
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EMAIL = re.compile(r"(?<![^,+])email=")
_NIST = "2.16.840.1.101.3.4.3."
# OpenSSL's names of what certificates have; others are told by their number, as OpenSSL tells what it does not know.
_ALGORITHMS = {
    "1.2.840.113549.1.1.1": "rsaEncryption",
    "1.2.840.113549.1.1.2": "md2WithRSAEncryption",
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.10": "rsassaPss",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
    "1.3.14.3.2.29": "sha1WithRSA",
    "1.2.840.10045.2.1": "id-ecPublicKey",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.2.840.10040.4.1": "dsaEncryption",
    "1.2.840.10040.4.3": "dsaWithSHA1",
    f"{_NIST}2": "dsa_with_SHA256",
    "1.3.101.112": "ED25519",
    "1.3.101.113": "ED448",
    f"{_NIST}17": "ML-DSA-44",
    f"{_NIST}18": "ML-DSA-65",
    f"{_NIST}19": "ML-DSA-87",
}
_CURVES = {"secp256r1": "prime256v1", "secp192r1": "prime192v1"}
_DNS, _URI, _EMAIL_NAME, _ADDRESS = 0x82, 0x86, 0x81, 0x87


def x509_values(data: bytes, seen: float, *, leaf: bool, client: bool) -> dict[str, Value]:
    """The columns of x509.log of a certificate.

    Args:
        data: the certificate (DER).
        seen: seconds since 1970.
        leaf: it is the first of its chain.
        client: the client showed it.

    """
    found: dict[str, Value] = dict.fromkeys(X509_COLUMNS)
    found["ts"] = seen
    found["fingerprint"] = sha256(data).hexdigest()
    found["host_cert"] = leaf
    found["client_cert"] = client
    with suppress(CertificateError):
        read = read_certificate(data)
        found["certificate.serial"] = _serial(read.serial)
        found["certificate.subject"] = _name(read.subject)
        found["certificate.issuer"] = _name(read.issuer)
        found["certificate.not_valid_before"] = (read.not_before - _EPOCH).total_seconds()
        found["certificate.not_valid_after"] = (read.not_after - _EPOCH).total_seconds()
        found["certificate.version"] = _version(data)
        for columns in (_signature, _key, _alternative_names, _constraints):
            with suppress(CertificateError):
                found |= columns(read)
    return found


def _serial(number: int) -> str:
    digits = f"{abs(number):X}"
    return f"{'-' if number < 0 else ''}{'0' if len(digits) % 2 else ''}{digits}"


def _name(name: bytes) -> str:
    return _EMAIL.sub("emailAddress=", name_text(name))


def _version(data: bytes) -> int:
    at, end = der.expect(data, 0, len(data), der.SEQUENCE, "certificate")
    at, end = der.expect(data, at, end, der.SEQUENCE, "TBSCertificate")
    tag, start, stop = der.element(data, at, end)
    if tag != 0xA0:  # RFC 5280 section 4.1.2.1: version 1 is not written
        return 1
    first, last = der.expect(data, start, stop, der.INTEGER, "version")
    return der.integer(data, first, last) + 1


def _signature(read: Certificate) -> dict[str, Value]:
    return {"certificate.sig_alg": _algorithm(read.signature_algorithm)}


def _algorithm(identifier: bytes) -> str:
    at, end = der.expect(identifier, 0, len(identifier), der.SEQUENCE, "algorithm")
    start, stop = der.expect(identifier, at, end, der.OID, "algorithm's identifier")
    oid = der.oid_text(identifier[start:stop])
    return _ALGORITHMS.get(oid, oid)


def _key(read: Certificate) -> dict[str, Value]:
    at, end = der.expect(read.spki, 0, len(read.spki), der.SEQUENCE, "public key info")
    stop = der.expect(read.spki, at, end, der.SEQUENCE, "key's algorithm")[1]
    found: dict[str, Value] = {"certificate.key_alg": _algorithm(read.spki[at:stop])}
    key = public_key(read.spki)
    if isinstance(key, rsa.RSAPublicKey):
        found |= {
            "certificate.key_type": "rsa",
            "certificate.key_length": key.key_size,
            "certificate.exponent": str(key.public_numbers().e),
        }
    elif isinstance(key, dsa.DSAPublicKey):
        found |= {"certificate.key_type": "dsa", "certificate.key_length": key.key_size}
    elif isinstance(key, ec.EllipticCurvePublicKey):
        found |= {
            "certificate.key_type": "ecdsa",
            "certificate.key_length": key.key_size,
            "certificate.curve": _CURVES.get(key.curve.name, key.curve.name),
        }
    return found


def _alternative_names(read: Certificate) -> dict[str, Value]:
    def of(wanted: int) -> list[str] | None:
        return [v.decode("utf-8", "backslashreplace") for tag, v in read.general_names
                if tag == wanted] or None  # fmt: skip

    addresses = [text for text in read.ip_addresses if text[0] != "#" and "/" not in text]
    return {
        "san.dns": of(_DNS),
        "san.uri": of(_URI),
        "san.email": of(_EMAIL_NAME),
        "san.ip": addresses or None,
    }


def _constraints(read: Certificate) -> dict[str, Value]:
    basic = read.basic_constraints
    if basic is None:
        return {}
    return {"basic_constraints.ca": basic[0], "basic_constraints.path_len": basic[1]}
