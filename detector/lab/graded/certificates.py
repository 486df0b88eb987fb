"""Certificates that an interceptor has to refuse, one fault each. Where the fault is not the key, the key is RSA of 2048 bits:
old suites need it, and every server may have the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detector.lab.broken_certificates import signed_anew
from detector.lab.case import now
from detector.lab.pki import Authority, Credential, LabPki

_OLD = timedelta(days=400)
_UNKNOWN = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")


class Mint:
    """Issues what the servers show, in a lab's world; `name` is the server's own."""

    def __init__(self, pki: LabPki) -> None:
        self.pki = pki
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        # One RSA intermediate, whose certificates can be signed with any hash.
        self._signing = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.authority = pki.authority("Lab Grading Intermediate", key=self._signing)

    def good(self, name: str) -> Credential:
        """Nothing is wrong with it."""
        return self.authority.issue(name, key=self.key)

    def self_signed(self, name: str) -> Credential:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(
            issuer_name=subject, subject_name=subject, public_key=self.key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now() - timedelta(days=1), not_valid_after=now() + timedelta(days=30),
        ).add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)  # fmt: skip
        return Credential(builder.sign(self.key, hashes.SHA256()), self.key)

    def unknown_ca(self, name: str) -> Credential:
        stranger = Authority("Nobody's Public Root", organization="Nobody", profile=False)
        return stranger.issue(name, key=self.key)

    def wrong_name(self, name: str) -> Credential:
        return self.authority.issue(f"another-{name}", key=self.key)

    def broken_signature(self, name: str) -> Credential:
        whole = self.good(name)
        data = bytearray(whole.certificate.public_bytes(Encoding.DER))
        data[-1] ^= 0x01
        bad = x509.load_der_x509_certificate(bytes(data))
        return Credential(bad, whole.key, whole.above)

    def issuer_no_ca(self, name: str) -> Credential:
        server = self.pki.authority("another-server.lab.test", parent=self.authority, ca=False)
        return server.issue(name, key=self.key)

    def issuer_may_not_sign(self, name: str) -> Credential:
        return self.pki.authority("Lab Encrypting CA", signs=False).issue(name, key=self.key)

    def path_too_long(self, name: str) -> Credential:
        last = self.pki.authority("Lab CA For Leaves Alone", path_length=0)
        return self.pki.authority("Lab CA Too Much", parent=last).issue(name, key=self.key)

    def expired(self, name: str) -> Credential:
        return self.authority.issue(name, key=self.key, start=now() - _OLD)

    def not_yet_valid(self, name: str) -> Credential:
        return self.authority.issue(name, key=self.key, start=now() + timedelta(days=30))

    def issuer_expired(self, name: str) -> Credential:
        old = self.pki.authority("Lab Past Intermediate", now=now() - _OLD, days=200)
        return old.issue(name, key=self.key, start=now() - timedelta(days=1))

    def outside_name_constraints(self, name: str) -> Credential:
        limits = x509.NameConstraints([x509.DNSName("only.lab.test")], None)
        bounded = self.pki.authority("Lab Company CA", extra=((limits, True),))
        return bounded.issue(name, key=self.key)

    def wrong_usage(self, name: str) -> Credential:
        return self.authority.issue(name, key=self.key, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    def unknown_critical(self, name: str) -> Credential:
        unknown = x509.UnrecognizedExtension(_UNKNOWN, b"\x05\x00")
        return self.authority.issue(name, key=self.key, extra=((unknown, True),))

    def signed_with_md5(self, name: str) -> Credential:
        return self._hashed(name, hashes.MD5())  # noqa: S303 (the case itself)

    def signed_with_sha1(self, name: str) -> Credential:
        return self._hashed(name, hashes.SHA1())  # noqa: S303 (the case itself)

    def rsa_512(self, name: str) -> Credential:
        from detector.lab.graded.short_key import key_of_512_bits

        return self.authority.issue(name, key=key_of_512_bits())

    def rsa_1024(self, name: str) -> Credential:
        short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (the case itself)
        return self.authority.issue(name, key=short)

    def revoked_crl(self, name: str) -> Credential:
        return self._revoked(name, "list")

    def revoked_ocsp(self, name: str) -> Credential:
        return self._revoked(name, "responder")

    def revocation_silent(self, name: str) -> Credential:
        silent = self.pki.authority("Lab Silent Intermediate", silent=True)
        return silent.issue(name, key=self.key, access=("issuer", "list", "responder"))

    def must_staple(self, name: str) -> Credential:
        promise = x509.TLSFeature([x509.TLSFeatureType.status_request])
        return self.authority.issue(name, key=self.key, extra=((promise, False),))

    def too_long_lived(self, name: str) -> Credential:
        return self.authority.issue(name, key=self.key, days=3650)

    def without_ct(self, name: str) -> Credential:
        return self.authority.issue(name, key=self.key, logs=())

    def _hashed(self, name: str, hashed: hashes.MD5 | hashes.SHA1) -> Credential:
        whole = self.authority.issue(name, key=self.key, logs=())
        return Credential(
            signed_anew(whole.certificate, self._signing, hashed), whole.key, whole.above
        )

    def _revoked(self, name: str, by: str) -> Credential:
        found = self.authority.issue(name, key=self.key, access=("issuer", by))
        self.authority.revoked.add(found.certificate.serial_number)
        return found

    @property
    def bad(self) -> Mapping[str, Callable[[str], Credential]]:
        """By a test's id, what its server shows for its name."""
        return {
            "self-signed": self.self_signed,
            "unknown-ca": self.unknown_ca,
            "wrong-name": self.wrong_name,
            "broken-signature": self.broken_signature,
            "issuer-no-ca": self.issuer_no_ca,
            "issuer-may-not-sign": self.issuer_may_not_sign,
            "path-too-long": self.path_too_long,
            "expired": self.expired,
            "not-yet-valid": self.not_yet_valid,
            "issuer-expired": self.issuer_expired,
            "outside-name-constraints": self.outside_name_constraints,
            "wrong-usage": self.wrong_usage,
            "unknown-critical": self.unknown_critical,
            "signed-with-md5": self.signed_with_md5,
            "signed-with-sha1": self.signed_with_sha1,
            "rsa-512": self.rsa_512,
            "rsa-1024": self.rsa_1024,
            "revoked-crl": self.revoked_crl,
            "revoked-ocsp": self.revoked_ocsp,
            "revocation-silent": self.revocation_silent,
            "must-staple": self.must_staple,
            "too-long-lived": self.too_long_lived,
            "without-ct": self.without_ct,
        }
