"""The shape of a leaf: what a minting program leaves behind whatever its operator calls the CA.

Rules
-----
1. What the operator chooses says nothing: the CA's name, its key, the leaf's key. A feature is a habit of the
   program: the order of extensions, how serials are made, whose key signs, what else the subject says.
2. A lifetime is no habit. Programs follow the browsers' limits (398 days, 200 since March 2026, 100 from
   March 2027, 47 from March 2029); old versions stay in use. Only a length that nobody would choose counts.
3. A shape that an operator's own OpenSSL could have made is weak (`detector.chain.shape_rule`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from detector.chain.certificate import Certificate
from detector.chain.signature import is_signed_by, public_key

_DAY = 86_400
# Bits: a time and a few digits, far from what Python refuses to write in decimal.
_LONGEST_CLOCK = 128
_SLACK = 10  # seconds between making a serial and writing notBefore


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
    def serial(self) -> int:
        return self.leaf.serial

    @cached_property
    def self_issued(self) -> bool:
        return self.leaf.is_self_issued

    @cached_property
    def not_before(self) -> str:
        """ISO 8601, to the second, UTC."""
        return f"{self.leaf.not_before:%Y-%m-%dT%H:%M:%S}"

    @cached_property
    def validity_seconds(self) -> int:
        return int((self.leaf.not_after - self.leaf.not_before).total_seconds())

    @cached_property
    def dates_of_issuer(self) -> bool:
        """The leaf is valid exactly as long as the CA that was sent with it."""
        leaf = self.leaf
        return any(
            c.subject == leaf.issuer
            and (c.not_before, c.not_after) == (leaf.not_before, leaf.not_after)
            for c in self.sent[1:]
        )

    @cached_property
    def serial_clock(self) -> str | None:
        """The time that the serial was made from, where it shows.

        "seconds": its first ten decimal digits are the second of notBefore. "milliseconds": its hex digits are
        the decimal digits of a time in milliseconds, whole days away from notBefore.
        """
        issued = int(self.leaf.not_before.timestamp())
        if self.serial <= 0 or self.serial_bits > _LONGEST_CLOCK:
            return None
        digits = str(self.serial)[:10]
        if len(digits) == 10 and abs(int(digits) - issued) <= _SLACK:
            return "seconds"
        digits = f"{self.serial:x}"
        if len(digits) != 13 or not digits.isdecimal():
            return None
        apart = (int(digits) // 1000 - issued + _SLACK) % _DAY
        return "milliseconds" if apart <= 2 * _SLACK else None

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
    def subject_mirrors_issuer(self) -> bool:
        """The subject is the issuer's name, more than a CN, with another CN."""
        issuer = {k: v for k, v in self.issuer.items() if k != "CN"}
        subject = {k: v for k, v in self.subject.items() if k != "CN"}
        return bool(issuer) and issuer == subject and not self.self_issued

    @cached_property
    def issuer(self) -> dict[str, list[str]]:
        """Attributes of the issuer's name by short name."""
        return self.leaf.issuer_fields

    @cached_property
    def subject(self) -> dict[str, list[str]]:
        return self.leaf.subject_fields

    @cached_property
    def only_host_named(self) -> bool:
        return self.leaf.dns_names == (self.host,) or self.leaf.ip_addresses == (self.host,)

    @cached_property
    def host_and_wildcard_named(self) -> bool:
        return self.leaf.dns_names == (self.host, f"*.{self.host}")

    @cached_property
    def host_and_www_named(self) -> bool:
        return self.leaf.dns_names == (self.host, f"www.{self.host}")

    @cached_property
    def key_usage(self) -> str:
        """The bits of the key usage, as hex of its BIT STRING; empty where it has none."""
        return (self.leaf.extension("KU") or b"").hex()

    @cached_property
    def crl_text(self) -> str:
        return (self.leaf.extension("CRLDP") or b"").decode("latin-1")

    @cached_property
    def policies(self) -> str:
        """The certificate policies, as hex of their DER."""
        return (self.leaf.extension("POL") or b"").hex()

    @cached_property
    def comment(self) -> str:
        return (self.leaf.extension("nsComment") or b"")[2:].decode("latin-1")


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
