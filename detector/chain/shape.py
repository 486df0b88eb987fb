"""The shape of a leaf: what a minting program leaves behind whatever its operator calls the CA."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property, lru_cache

import msgspec
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from detector.chain.certificate import Certificate
from detector.chain.signature import is_signed_by, public_key


class LeafShape:
    """Features of a leaf and the certificates sent with it.

    Args:
        leaf: the first certificate.
        sent: all certificates as sent, leaf first.
        host: the name that was asked for.

    """

    def __init__(self, leaf: Certificate, sent: Sequence[Certificate], host: str) -> None:
        self.leaf = leaf
        self.sent = sent
        self.host = host

    @cached_property
    def extensions(self) -> tuple[str, ...]:
        """Short names in order, a star behind the critical ones: ("EKU", "SAN", "BC*")."""
        return tuple(name + "*" * critical for name, critical, _ in self.leaf.extensions)

    @cached_property
    def key(self) -> str:
        return key_kind(self.leaf.spki)

    @cached_property
    def rsa_exponent(self) -> int | None:
        key = public_key(self.leaf.spki)
        return key.public_numbers().e if isinstance(key, rsa.RSAPublicKey) else None

    @cached_property
    def authority_named(self) -> bool:
        """The authority key identifier names the issuer and its serial, not only its key."""
        return self.leaf.authority_serial is not None

    @cached_property
    def serial_bits(self) -> int:
        return self.leaf.serial.bit_length()

    @cached_property
    def validity_days(self) -> int:
        """Whole days from notBefore to notAfter."""
        return (self.leaf.not_after - self.leaf.not_before).days

    @cached_property
    def leaf_key_is_issuer_key(self) -> bool:
        """The leaf's signature verifies under the leaf's own key, yet it names another issuer."""
        return not self.leaf.is_self_issued and is_signed_by(self.leaf, self.leaf.spki)

    @cached_property
    def root_sent(self) -> int:
        """How often a self-issued certificate stands behind the leaf."""
        return sum(1 for c in self.sent[1:] if c.is_self_issued)

    @cached_property
    def serial_is_md5_of_host(self) -> bool:
        digest = hashlib.md5(self.host.encode(), usedforsecurity=False).digest()
        return self.leaf.serial == int.from_bytes(digest, "big", signed=True)

    @cached_property
    def serial_begins_with_issue_time(self) -> bool:
        """The serial's first ten decimal digits are the second of notBefore, give or take ten."""
        digits = str(self.leaf.serial)[:10]
        issued = int(self.leaf.not_before.timestamp())
        return digits.isdigit() and abs(int(digits) - issued) <= 10

    @cached_property
    def subject_extends_issuer(self) -> bool:
        """The subject is the issuer's name with one more CN."""
        issuer, subject = self.leaf.issuer_fields, self.leaf.subject_fields
        names = subject.get("CN", [])
        same = {k: v for k, v in issuer.items() if k != "CN"}
        return (
            len(names) == len(issuer.get("CN", [])) + 1
            and names[:-1] == issuer.get("CN", [])
            and {k: v for k, v in subject.items() if k != "CN"} == same
        )

    @cached_property
    def only_host_named(self) -> bool:
        return self.leaf.dns_names == (self.host,) or self.leaf.ip_addresses == (self.host,)

    @cached_property
    def host_and_wildcard_named(self) -> bool:
        return self.leaf.dns_names == (self.host, f"*.{self.host}")

    @cached_property
    def crl_text(self) -> str:
        return (self.leaf.extension("CRLDP") or b"").decode("latin-1")

    @cached_property
    def policies(self) -> bytes:
        return self.leaf.extension("POL") or b""

    @cached_property
    def comment(self) -> str:
        return (self.leaf.extension("nsComment") or b"")[2:].decode("latin-1")


class ShapeRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a leaf must look like; members left out are not asked.

    `extensions` and `issuer`/`subject` values are alternatives and regular expressions that must
    match wholly.
    """

    extensions: tuple[tuple[str, ...], ...] = ()
    key: str | None = None
    rsa_exponent: int | None = None
    authority_named: bool | None = None
    serial_bits: tuple[int, int] | None = None
    validity_days: tuple[int, int] | None = None
    leaf_key_is_issuer_key: bool | None = None
    root_sent: tuple[int, int] | None = None
    self_issued: bool | None = None
    serial_is_md5_of_host: bool | None = None
    serial_begins_with_issue_time: bool | None = None
    subject_extends_issuer: bool | None = None
    only_host_named: bool | None = None
    host_and_wildcard_named: bool | None = None
    not_before: str | None = None
    crl: str | None = None
    policy_oid_der: str | None = None
    comment: str | None = None
    issuer: dict[str, str] | None = None
    subject: dict[str, str] | None = None

    def matches(self, shape: LeafShape) -> bool:
        """All conditions that are asked hold; cheap ones first, signatures last."""
        return (
            (not self.extensions or shape.extensions in self.extensions)
            and (self.key is None or shape.key == self.key)
            and (self.rsa_exponent is None or shape.rsa_exponent == self.rsa_exponent)
            and _asked(self.authority_named, shape, "authority_named")
            and _between(shape.serial_bits, self.serial_bits)
            and _between(shape.validity_days, self.validity_days)
            and _between(shape.root_sent, self.root_sent)
            and _same(shape.leaf.is_self_issued, self.self_issued)
            and (
                self.not_before is None
                or shape.leaf.not_before.date().isoformat() == self.not_before
            )
            and _found(self.crl, shape.crl_text)
            and _found(self.comment, shape.comment)
            and (
                self.policy_oid_der is None or bytes.fromhex(self.policy_oid_der) in shape.policies
            )
            and _fields(self.issuer, shape.leaf.issuer_fields)
            and _fields(self.subject, shape.leaf.subject_fields)
            and _asked(self.only_host_named, shape, "only_host_named")
            and _asked(self.host_and_wildcard_named, shape, "host_and_wildcard_named")
            and _asked(self.subject_extends_issuer, shape, "subject_extends_issuer")
            and _asked(self.serial_is_md5_of_host, shape, "serial_is_md5_of_host")
            and _asked(self.serial_begins_with_issue_time, shape, "serial_begins_with_issue_time")
            and _asked(self.leaf_key_is_issuer_key, shape, "leaf_key_is_issuer_key")
        )


# How the DER of nearly all keys begins, by its length: reading a key costs twenty times as much. Of RSA up to
# the modulus' length and sign; its first bit is asked below.
_COMMON = {
    91: (bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"), "ec-secp256r1"),
    294: (
        bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100"),
        "rsa2048",
    ),
}


@lru_cache(maxsize=1024)
def key_kind(spki: bytes) -> str:
    """Kind and size: "rsa2048", "ec-secp256r1", "ed25519", or "unknown"."""
    start, kind = _COMMON.get(len(spki), (b"", ""))
    if start and spki.startswith(start) and (kind[0] == "e" or spki[len(start)] & 0x80):
        return kind
    key = public_key(spki)
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ec-{key.curve.name}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(key, ed448.Ed448PublicKey):
        return "ed448"
    return f"dsa{key.key_size}" if isinstance(key, dsa.DSAPublicKey) else "unknown"


def _between(value: int, bounds: tuple[int, int] | None) -> bool:
    return bounds is None or bounds[0] <= value <= bounds[1]


def _same(value: bool, wanted: bool | None) -> bool:
    return wanted is None or value is wanted


def _asked(wanted: bool | None, shape: LeafShape, feature: str) -> bool:
    return wanted is None or getattr(shape, feature) is wanted


def _found(pattern: str | None, text: str) -> bool:
    return pattern is None or re.search(pattern, text) is not None


def _fields(wanted: dict[str, str] | None, fields: dict[str, list[str]]) -> bool:
    return wanted is None or all(
        any(re.fullmatch(pattern, value) for value in fields.get(name, ()))
        for name, pattern in wanted.items()
    )
