"""Files of certificates without one of them."""

from __future__ import annotations

import base64

from detector.auditing.pem_cut import holds_certificate, without_certificate
from detector.chain.certificate import Certificate
from detector.lab.pki import Authority


def test_one_is_cut_and_the_rest_stays_to_the_byte(pki: object, corporate: Authority) -> None:
    other = Authority("Other CA")
    digest = Certificate(corporate.der).sha256
    text = f"# a\r\n{other.pem}# b\n{corporate.pem}# c".encode()
    assert without_certificate(text, digest) == f"# a\r\n{other.pem}# b\n# c".encode()
    assert without_certificate(text, "0" * 64) == text
    assert holds_certificate(text)
    assert not holds_certificate(without_certificate(corporate.pem.encode(), digest))


def test_der_and_trusted_certificates_are_cut_too(corporate: Authority) -> None:
    digest = Certificate(corporate.der).sha256
    assert without_certificate(corporate.der, digest) == b""
    body = base64.encodebytes(corporate.der + b"\x30\x00").decode()
    text = (
        f"-----BEGIN TRUSTED CERTIFICATE-----\n{body}-----END TRUSTED CERTIFICATE-----\n".encode()
    )
    assert without_certificate(text, digest) == b""


def test_what_is_no_certificate_stays(corporate: Authority) -> None:
    text = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"
    assert without_certificate(text, Certificate(corporate.der).sha256) == text
