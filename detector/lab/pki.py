"""A CA hierarchy whose leaves look like a public CA's: root, intermediate, SCTs and all.

Keys are made at run time and, when they must be in a file, written with mode 0600.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detector.chain.anchors import TrustAnchors
from detector.knowledge import shipped
from detector.knowledge.causes import cause_table
from detector.knowledge.whole_file import write_whole
from detector.known.knowledge import Knowledge
from detector.lab.ct_log import LabLog

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Extensions = Sequence[tuple[x509.ExtensionType, bool]]
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_DOMAIN_VALIDATED = x509.ObjectIdentifier("2.23.140.1.2.1")


@dataclass(frozen=True)
class Credential:
    """A certificate with its key and the certificates to send behind it."""

    certificate: x509.Certificate
    key: PrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER, leaf first, as a server would send it."""
        return (self.der, *(c.public_bytes(Encoding.DER) for c in self.above))

    @property
    def chain_pem(self) -> str:
        certificates = (self.certificate, *self.above)
        return "".join(c.public_bytes(Encoding.PEM).decode() for c in certificates)

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def spki(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def write(self, path: Path) -> Path:
        """Key and chain in one PEM file of mode 0600."""
        return write_secret(path, self.key_pem + self.chain_pem)


class Authority:
    """A CA that can issue leaves and further CAs.

    Args:
        name: common name; `organization` makes it look like somebody.
        parent: who signs it; None makes a root.
        profile: issue leaves with everything a public CA puts into them (AIA, policies, SCTs).
        logs: CT logs that sign every leaf.
        now: time of issue; leaves are valid from one day before.
        web: where leaves say that the CA's certificate, list and responder are.
        extra: further extensions of the CA's own certificate, with their criticality.
        ca: whether BasicConstraints says that it is a CA.
        path_length: CAs that may stand below it.
        signs: whether its key may sign certificates.
        silent: its list and its responder never answer.

    """

    def __init__(
        self,
        name: str,
        *,
        organization: str = "Lab Public Trust",
        parent: Authority | None = None,
        profile: bool = True,
        logs: Sequence[LabLog] = (),
        key: PrivateKey | None = None,
        now: datetime | None = None,
        days: int = 3650,
        web: str | None = None,
        extra: Extensions = (),
        ca: bool = True,
        path_length: int | None = None,
        signs: bool = True,
        silent: bool = False,
    ) -> None:
        self.web = web
        self.silent = silent
        self.revoked: set[int] = set()
        self.logs = tuple(logs)
        self.profile = profile
        self.parent = parent
        self.now = now or datetime.now(UTC).replace(microsecond=0)
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        issuer = parent.subject if parent else self.subject
        signer = parent.key if parent else self.key
        builder = _builder(self.subject, issuer, self.key, self.now - timedelta(days=30), days)
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
        builder = builder.add_extension(_key_usage(ca=signs), critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False
        )
        if parent:
            builder = builder.add_extension(parent.key_identifier, critical=False)
        for extension, critical in extra:
            builder = builder.add_extension(extension, critical)
        self.certificate = builder.sign(signer, _hash_for(signer))

    @property
    def key_identifier(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())

    @property
    def spki(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def credential(self) -> Credential:
        """The CA's own certificate and key, for a program that signs with it."""
        return Credential(self.certificate, self.key, self._above()[1:])

    def issue(
        self,
        *names: str,
        days: int = 90,
        start: datetime | None = None,
        key: PrivateKey | None = None,
        logs: Sequence[LabLog] | None = None,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        extra: Extensions = (),
        access: Sequence[str] = ("issuer", "list"),
        san: bool = True,
    ) -> Credential:
        """A leaf for DNS names and addresses; SCTs come from `logs` or the authority's own.

        Args:
            names: the first is the common name too.
            days: how long it is valid, from `start`.
            start: a day before the authority's time of issue when left out.
            key: the leaf's own.
            logs: whose SCTs to embed.
            usage: what the leaf is for.
            extra: further extensions, with their criticality.
            access: what the leaf points to: "issuer", "list", "responder".
            san: whether the names are in the subject alternative names.

        """
        leaf_key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        begin = start or self.now - timedelta(days=1)
        builder = _builder(subject, self.subject, leaf_key, begin, days)
        plain = self._leaf_extensions(names if san else (), leaf_key, usage, access)
        for extension, critical in (*plain, *extra):
            builder = builder.add_extension(extension, critical)
        hashed = _hash_for(self.key)
        bare = builder.sign(self.key, hashed)
        signers = self.logs if logs is None else tuple(logs)
        if signers:
            scts = [log.sign(bare.tbs_certificate_bytes, self.spki) for log in signers]
            extension = x509.UnrecognizedExtension(_SCT_LIST, sct_extension(scts))
            bare = builder.add_extension(extension, critical=False).sign(self.key, hashed)
        return Credential(bare, leaf_key, self._above())

    def _above(self) -> tuple[x509.Certificate, ...]:
        """The CA itself and those above it, the root left out."""
        if self.parent is None:
            return ()
        return (self.certificate, *self.parent._above())  # noqa: SLF001 (the same class)

    def _leaf_extensions(
        self,
        names: Sequence[str],
        key: PrivateKey,
        usage: x509.ObjectIdentifier,
        access: Sequence[str],
    ) -> list[tuple[x509.ExtensionType, bool]]:
        found: list[tuple[x509.ExtensionType, bool]] = [
            (_key_usage(ca=False, encipher=isinstance(key, rsa.RSAPrivateKey)), True),
            (x509.ExtendedKeyUsage([usage]), False),
            (x509.BasicConstraints(False, None), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (self.key_identifier, False),
        ]
        if self.profile:
            found.append((self._access(access), False))
        if names:
            found.append((x509.SubjectAlternativeName([_general_name(n) for n in names]), False))
        if self.profile:
            policy = x509.PolicyInformation(_DOMAIN_VALIDATED, None)
            found.append((x509.CertificatePolicies([policy]), False))
        if self.profile and "list" in access:
            url = f"{self.web}/{self.address}.crl" if self.web else "http://crl.lab.test/1.crl"
            place = x509.UniformResourceIdentifier(url)
            point = x509.DistributionPoint([place], None, None, None)
            found.append((x509.CRLDistributionPoints([point]), False))
        return found

    def _access(self, access: Sequence[str]) -> x509.AuthorityInformationAccess:
        url = f"{self.web}/{self.address}.der" if self.web else "http://aia.lab.test/ca.der"
        places = [(Access.CA_ISSUERS, url)] if "issuer" in access else []
        if "responder" in access and self.web:
            places.append((Access.OCSP, f"{self.web}/{self.address}.ocsp"))
        return x509.AuthorityInformationAccess(
            [x509.AccessDescription(m, x509.UniformResourceIdentifier(u)) for m, u in places]
        )

    @property
    def address(self) -> str:
        """Its part of the addresses under `web`: the key identifier, in hex."""
        return (self.key_identifier.key_identifier or b"").hex()


class LabPki:
    """A "public" world of one root, one intermediate, and a CT log of each kind.

    Args:
        now: time of issue.
        web: where its leaves point to; see detector.lab.ca_service.

    """

    def __init__(self, now: datetime | None = None, web: str | None = None) -> None:
        self.web = web
        self.authorities: list[Authority] = []
        self.logs = (LabLog("Lab log one"), LabLog("Lab log two", tiled=True))
        self.root = Authority("Lab Public Root", now=now)
        self.intermediate = self.authority("Lab Public Intermediate", now=now)

    def issue(self, *names: str, **options: Any) -> Credential:
        """A leaf as the public CA of the lab issues it."""
        return self.intermediate.issue(*names, **options)

    def authority(self, name: str, parent: Authority | None = None, **options: Any) -> Authority:
        """Another CA of this world, under its root when no parent is given."""
        above = parent or self.root
        found = Authority(name, parent=above, logs=self.logs, web=self.web, **options)
        self.authorities.append(found)
        return found

    @property
    def anchors(self) -> TrustAnchors:
        return TrustAnchors((self.root.der,), "lab root")

    def knowledge(self, *, lab: bool = True) -> Knowledge:
        """What a judge knows who lives in this world: its root, its logs, the shipped tables."""
        return Knowledge(
            public=self.anchors,
            causes=cause_table(),
            logs={log.log_id: log.known() for log in self.logs},
            products=shipped.products(),
            engines=shipped.engines(),
            shared_cas=shipped.shared_cas(),
            published=shipped.published_keys(),
            canaries=frozenset(shipped.canaries()),
            lab=lab,
        )

    @property
    def ct_logs_json(self) -> str:
        """The logs as a file for `--ct-logs`."""
        operator = {
            "name": "Lab",
            "logs": [log.entry() for log in self.logs if not log.tiled],
            "tiled_logs": [log.entry() for log in self.logs if log.tiled],
        }
        return json.dumps({"operators": [operator]}, indent=1)


def sct_list(scts: Sequence[bytes]) -> bytes:
    """SignedCertificateTimestampList (RFC 6962 section 3.3), as the TLS extension carries it."""
    listed = b"".join(len(sct).to_bytes(2, "big") + sct for sct in scts)
    return len(listed).to_bytes(2, "big") + listed


def sct_extension(scts: Sequence[bytes]) -> bytes:
    """The DER value of the certificate's extension, and of the one in an OCSP response."""
    return encoded(0x04, sct_list(scts))


def encoded(tag: int, contents: bytes) -> bytes:
    """One DER element."""
    size = len(contents)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    length = octets or b"\x00" if size < 0x80 else bytes((0x80 | len(octets),)) + octets
    return bytes((tag,)) + length + contents


def write_secret(path: Path, text: str) -> Path:
    """Write a file that only its owner can read, from the first byte on."""
    write_whole(path, text.encode(), 0o600)
    return path


def _hash_for(key: PrivateKey) -> hashes.SHA256 | None:
    """SHA-256, but for keys that bring their own."""
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, start: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days) - timedelta(seconds=1))
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, ca: bool, encipher: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=encipher,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
