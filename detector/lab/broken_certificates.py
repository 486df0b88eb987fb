"""Servers whose certificates are at fault."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detector.lab.case import HOST, Case, Started, anything, now, shows
from detector.lab.origin import Origin
from detector.lab.pki import Authority, Credential, LabPki

_AT_LOOPBACK = ("--connect", "127.0.0.1:{port}")


def root_and_all(_: LabPki) -> Credential:
    """A CA of one's own, sent with its root as many a manual says."""
    ca = Authority("Somebody's CA", profile=False)
    made = ca.issue(HOST)
    return Credential(made.certificate, made.key, (*made.above, ca.certificate))


def self_signed(_: LabPki) -> Credential:
    """The leaf that everybody makes on the first day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now() - timedelta(days=1), not_valid_after=now() + timedelta(days=30),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)  # fmt: skip
    return Credential(builder.sign(key, hashes.SHA256()), key)


def leaf_alone(pki: LabPki) -> Credential:
    """The intermediate is not sent."""
    whole = pki.issue(HOST)
    return Credential(whole.certificate, whole.key)


def _leaf_alone_nowhere(pki: LabPki) -> Credential:
    whole = pki.issue(HOST, access=("list",))
    return Credential(whole.certificate, whole.key)


def out_of_order(pki: LabPki) -> Credential:
    """Two intermediates the wrong way round."""
    between = pki.authority("Lab Second Intermediate", pki.intermediate)
    whole = between.issue(HOST)
    return Credential(whole.certificate, whole.key, tuple(reversed(whole.above)))


def under_expired_intermediate(pki: LabPki) -> Credential:
    """In date itself, below a CA that is not."""
    old = pki.authority("Lab Expired Intermediate", now=now() - timedelta(days=400), days=200)
    return old.issue(HOST, start=now() - timedelta(days=1))


def _constrained(pki: LabPki) -> Credential:
    limits = x509.NameConstraints([x509.DNSName("lab.test")], None)
    return pki.authority("Lab Constrained Intermediate", extra=((limits, True),)).issue(HOST)


def _unknown_critical(pki: LabPki) -> Credential:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    return pki.issue(HOST, extra=((unknown, True),))


def _under_no_ca(pki: LabPki) -> Credential:
    return pki.authority("Lab Intermediate That Is No CA", ca=False).issue(HOST)


def _revoked(pki: LabPki, access: tuple[str, ...]) -> Credential:
    credential = pki.issue(HOST, access=access)
    pki.intermediate.revoked.add(credential.certificate.serial_number)
    return credential


def _with_strangers(pki: LabPki) -> Credential:
    whole = pki.issue(HOST)
    stranger = Authority("Lab Stranger").certificate
    return Credential(whole.certificate, whole.key, (*whole.above, pki.root.certificate, stranger))


def must_staple(pki: LabPki) -> Credential:
    """With the TLS feature that promises a stapled response."""
    promise = x509.TLSFeature([x509.TLSFeatureType.status_request])
    return pki.issue(HOST, extra=((promise, False),))


def _weak(pki: LabPki) -> Started:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (the case itself)
    return Origin({HOST: pki.issue(HOST, key=key)}, prepare=anything)


def _weak_signature(pki: LabPki) -> Started:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    whole = pki.authority("Lab RSA Intermediate", key=key).issue(HOST, logs=())
    weak = Credential(
        signed_anew(whole.certificate, key, hashes.SHA1()),  # noqa: S303 (the case itself)
        whole.key,
        whole.above,
    )
    return Origin({HOST: weak}, prepare=anything)


def signed_anew(
    certificate: x509.Certificate, key: rsa.RSAPrivateKey, hashed: hashes.MD5 | hashes.SHA1
) -> x509.Certificate:
    """The same certificate signed with an old hash, which cryptography no longer does by itself: the algorithms'
    identifiers (RFC 8017 appendix C) differ in their last byte.
    """
    prefix = bytes.fromhex("06092a864886f70d0101")
    last = b"\x04" if isinstance(hashed, hashes.MD5) else b"\x05"
    signed = certificate.tbs_certificate_bytes.replace(prefix + b"\x0b", prefix + last, 1)
    signature = key.sign(signed, padding.PKCS1v15(), hashed)
    whole = certificate.public_bytes(Encoding.DER)
    rest = whole[whole.index(certificate.tbs_certificate_bytes) + len(signed) :]
    outer = rest.replace(prefix + b"\x0b", prefix + last, 1)
    patched = signed + outer.replace(certificate.signature, signature)
    return x509.load_der_x509_certificate(whole[: len(whole) - len(patched)] + patched)


def _other_clock(pki: LabPki) -> Started:
    ahead = timedelta(days=400)
    return Origin({HOST: pki.issue(HOST, start=now() + ahead - timedelta(days=1))}, skew=ahead)


def _gateway(_: LabPki) -> Credential:
    gateway = Authority("FGT60F0000000000", organization="Fortinet", profile=False)
    return gateway.issue("www.example.com")


CASES: tuple[Case, ...] = (
    Case("expired", "certificate-expired", "the certificate is out of date",
         shows(lambda pki: pki.issue(HOST, start=now() - timedelta(days=200)))),
    Case("not-yet-valid", "certificate-not-yet-valid", "the certificate is not valid yet",
         shows(lambda pki: pki.issue(HOST, start=now() + timedelta(days=5)))),
    Case("other-clock", "client-clock-wrong", "good on the server's clock, 400 days ahead of ours",
         _other_clock),
    Case("wrong-host", "hostname-mismatch", "the certificate is for another name",
         shows(lambda pki: pki.issue("other.localhost"))),
    Case("wildcard-depth", "hostname-mismatch", "a wildcard, asked for one label too many",
         shows(lambda pki: pki.issue("*.lab.example")), "a.b.lab.example", _AT_LOOPBACK),
    Case("common-name-only", "hostname-mismatch", "the name in the subject alone",
         shows(lambda pki: pki.issue(HOST, san=False))),
    Case("address", "hostname-mismatch", "asked for by an address that it does not name",
         shows(lambda pki: pki.issue(HOST)), "127.0.0.1"),
    Case("self-signed", "self-signed", "the certificate signed itself", shows(self_signed)),
    Case("untrusted-root", "untrusted-root", "a CA that nobody trusts, its root sent along",
         shows(root_and_all)),
    Case("issuer-unknown", "issuer-unknown", "a CA that nobody knows, and nothing of it is sent",
         shows(lambda _: Authority("Somebody's CA", profile=False).issue(HOST))),
    Case("intercepted", "tls-intercepted", "an inspection gateway's leaf for a public site",
         shows(_gateway), "www.example.com", _AT_LOOPBACK),
    Case("incomplete-chain", "incomplete-chain", "the intermediate is not sent",
         shows(leaf_alone)),
    Case("incomplete-for-good", "incomplete-chain", "not sent, and nowhere to fetch it",
         shows(_leaf_alone_nowhere)),
    Case("out-of-order", "chain-out-of-order", "the intermediates are sent the wrong way round",
         shows(out_of_order)),
    Case("superfluous", "superfluous-certificates", "root and a stranger are sent too",
         shows(_with_strangers)),
    Case("expired-intermediate", "intermediate-expired", "the intermediate is out of date",
         shows(under_expired_intermediate)),
    Case("client-usage", "wrong-usage", "a certificate for clients",
         shows(lambda pki: pki.issue(HOST, usage=ExtendedKeyUsageOID.CLIENT_AUTH))),
    Case("issuer-no-ca", "wrong-usage", "issued by a certificate that is no CA's",
         shows(_under_no_ca)),
    Case("name-constraint", "name-constraint", "the CA may only issue for lab.test",
         shows(_constrained)),
    Case("unknown-critical", "unknown-critical-extension", "a critical extension of nobody's",
         shows(_unknown_critical)),
    Case("weak-key", "weak-key", "an RSA key of 1024 bits", _weak),
    Case("weak-signature", "weak-signature", "signed with SHA-1", _weak_signature),
    Case("too-long", "validity-too-long", "a public certificate for 500 days",
         shows(lambda pki: pki.issue(HOST, days=500))),
    Case("not-logged", "ct-policy", "a public certificate that no log knows",
         shows(lambda pki: pki.issue(HOST, logs=()))),
    Case("revoked-ocsp", "certificate-revoked", "the CA's responder says revoked",
         shows(lambda pki: _revoked(pki, ("issuer", "responder")))),
    Case("revoked-list", "certificate-revoked", "the CA's list says revoked",
         shows(lambda pki: _revoked(pki, ("issuer", "list")))),
    Case("must-staple", "must-staple-missing", "promises a stapled response, and sends none",
         shows(must_staple)),
)  # fmt: skip
