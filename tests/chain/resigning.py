"""Certificates that no library writes: edited as bytes, then signed again by the same CA."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from detector.chain import der
from detector.chain.certificate import Certificate
from detector.lab.pki import Authority

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
EXPLICIT_FALSE = b"\x01\x01\x00"

Parts = list[bytes]


def parts(data: bytes) -> Parts:
    """The elements inside an element, each whole."""
    _, start, stop = der.element(data, 0, len(data))
    found = []
    while start < stop:
        end = der.element(data, start, stop)[2]
        found.append(data[start:end])
        start = end
    return found


def joined(tag: int, found: Parts) -> bytes:
    return der.encode(tag, b"".join(found))


def resigned(
    data: bytes,
    authority: Authority,
    change: Callable[[Parts], Parts],
    algorithm: bytes | None = None,
) -> bytes:
    """A certificate with other fields of its TBSCertificate, signed by `authority`'s key.

    The fields are: version, serial, algorithm, issuer, validity, subject, key, extensions.
    """
    tbs = joined(0x30, change(parts(Certificate(data).tbs)))
    key = authority.key
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    outer = algorithm or Certificate(data).signature_algorithm
    return joined(0x30, [tbs, outer, der.encode(der.BIT_STRING, b"\x00" + signature)])


def extensions_changed(change: Callable[[Parts], Parts]) -> Callable[[Parts], Parts]:
    """A change of the list of extensions, for `resigned`."""

    def changed(fields: Parts) -> Parts:
        (listed,) = parts(fields[-1])
        return [*fields[:-1], joined(0xA3, [joined(0x30, change(parts(listed)))])]

    return changed


def spelt_out(listed: Parts) -> Parts:
    """Each extension that is not critical says so, which DER forbids (X.690 section 11.5)."""
    found = []
    for one in listed:
        inner = parts(one)
        found.append(joined(0x30, [inner[0], EXPLICIT_FALSE, inner[1]]) if len(inner) == 2 else one)
    return found


def name(*attributes: tuple[str, int, str]) -> bytes:
    """A DER name of (short name, string type, value), in order."""
    oids = {"C": "0603550406", "O": "060355040a", "OU": "060355040b", "CN": "0603550403"}
    encodings = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x14: "latin-1"}
    return joined(
        0x30,
        [
            joined(
                0x31,
                [
                    joined(
                        0x30,
                        [
                            bytes.fromhex(oids[short]),
                            der.encode(tag, value.encode(encodings.get(tag, "utf-8"))),
                        ],
                    )
                ],
            )
            for short, tag, value in attributes
        ],
    )
