"""One certificate: the fields the rules ask for, straight from its DER.

`Certificate.x509` is cryptography's full parse, made only when something needs it: most runs never load it, which
takes as long as a handshake or two.
"""

from __future__ import annotations

import binascii
import ipaddress
import re
import warnings
from contextlib import suppress
from functools import cached_property, lru_cache
from hashlib import sha1, sha256
from typing import TYPE_CHECKING

from detector.chain import der
from detector.chain.name_matching import same_name
from detector.errors import CertificateError

if TYPE_CHECKING:
    from cryptography import x509

MAX_CERTIFICATE = 1 << 16
MAX_PEM = 16 << 20
_BEGIN = re.compile(rb"-----BEGIN (X509 )?CERTIFICATE-----")

EXTENSION_NAMES: dict[str, str] = {
    "2.5.29.14": "SKI",
    "2.5.29.15": "KU",
    "2.5.29.17": "SAN",
    "2.5.29.18": "IAN",
    "2.5.29.19": "BC",
    "2.5.29.30": "NC",
    "2.5.29.31": "CRLDP",
    "2.5.29.32": "POL",
    "2.5.29.33": "PM",
    "2.5.29.35": "AKI",
    "2.5.29.36": "PC",
    "2.5.29.37": "EKU",
    "2.5.29.54": "IAP",
    "1.3.6.1.5.5.7.1.1": "AIA",
    "1.3.6.1.5.5.7.1.24": "TLSFEATURE",
    "1.3.6.1.4.1.11129.2.4.2": "SCT",
    "1.3.6.1.4.1.11129.2.4.3": "POISON",
    "2.16.840.1.113730.1.1": "nsCertType",
    "2.16.840.1.113730.1.13": "nsComment",
}
SERVER_AUTH, ANY_USAGE = "1.3.6.1.5.5.7.3.1", "2.5.29.37.0"
# Microsoft's and Netscape's server-gated crypto were server usages once.
_SERVER_USAGES = frozenset(
    (SERVER_AUTH, ANY_USAGE, "1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1")
)
_KEY_CERT_SIGN = 5
# Extensions that programs know how to heed; any other that is critical makes them refuse (RFC 5280
# section 4.2). What has to be told, but may not be critical, OpenSSL refuses as well.
_HEEDED = frozenset(
    ("KU", "SAN", "BC", "NC", "CRLDP", "POL", "PM", "PC", "EKU", "IAP", "nsCertType")
)


class Certificate:
    """A certificate read from DER.

    Attributes:
        der: the whole certificate.
        serial: may be negative, whatever RFC 5280 says.
        issuer, subject: DER of the names.
        not_before, not_after: aware UTC.
        spki: DER SubjectPublicKeyInfo.
        extensions: (short name or dotted OID, critical, value) in order.

    Raises CertificateError when the skeleton does not hold.

    """

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_CERTIFICATE:
            raise CertificateError(f"certificate of {len(data)} bytes, at most {MAX_CERTIFICATE}")
        self.der = data
        at, end = der.expect(data, 0, len(data), der.SEQUENCE, "certificate")
        if end != len(data):  # nothing signs what comes after; no client takes it
            raise CertificateError(f"{len(data) - end} bytes after the certificate", offset=end)
        at, end = der.expect(data, at, end, der.SEQUENCE, "TBSCertificate")
        tag, start, stop = der.element(data, at, end)
        if tag == 0xA0:
            at = stop
        start, stop = der.expect(data, at, end, der.INTEGER, "serial number")
        self.serial = der.integer(data, start, stop)
        at = der.expect(data, stop, end, der.SEQUENCE, "signature algorithm")[1]
        stop = der.expect(data, at, end, der.SEQUENCE, "issuer")[1]
        self.issuer = data[at:stop]
        start, at = der.expect(data, stop, end, der.SEQUENCE, "validity")
        tag, first, last = der.element(data, start, at)
        self.not_before = der.time_value(tag, data[first:last], first)
        tag, first, last = der.element(data, last, at)
        self.not_after = der.time_value(tag, data[first:last], first)
        stop = der.expect(data, at, end, der.SEQUENCE, "subject")[1]
        self.subject = data[at:stop]
        at = der.expect(data, stop, end, der.SEQUENCE, "subject public key info")[1]
        self.spki = data[stop:at]
        self.extensions = _extensions(data, at, end)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"<Certificate {self.subject_text} issued by {self.issuer_text}>"

    def extension(self, name: str) -> bytes | None:
        """Value of an extension by short name, None when absent.

        Raises CertificateError where it is there twice, which no certificate may have (RFC 5280
        section 4.2): programs would differ on which of them counts.
        """
        value = self._values.get(name)
        if name in self._twice:
            raise CertificateError(f"extension {name} is there twice")
        return value

    @cached_property
    def _values(self) -> dict[str, bytes]:
        return {name: value for name, _, value in self.extensions}

    @cached_property
    def _twice(self) -> frozenset[str]:
        if len(self._values) == len(self.extensions):
            return frozenset()
        names = [name for name, _, _ in self.extensions]
        return frozenset(name for name in names if names.count(name) > 1)

    @cached_property
    def unheeded(self) -> tuple[str, ...]:
        """Critical extensions (short name or dotted OID) that programs have to refuse."""
        return tuple(
            name for name, critical, _ in self.extensions if critical and name not in _HEEDED
        )

    @property
    def tbs(self) -> bytes:
        """What is signed: the TBSCertificate, as it was sent."""
        return self._parts[0]

    @property
    def signature_algorithm(self) -> bytes:
        """DER AlgorithmIdentifier of the signature.

        Raises CertificateError where it is not the one that was signed (RFC 5280 section 4.1.1.2).
        """
        return self._parts[1]

    @property
    def signature(self) -> bytes:
        """The signature's octets. Raises CertificateError where they cannot be read."""
        return self._parts[2]

    @cached_property
    def _parts(self) -> tuple[bytes, bytes, bytes]:
        data = self.der
        at, end = der.expect(data, 0, len(data), der.SEQUENCE, "certificate")
        first, stop = der.expect(data, at, end, der.SEQUENCE, "TBSCertificate")
        tbs, at = data[at:stop], stop
        stop = der.expect(data, at, end, der.SEQUENCE, "signature algorithm")[1]
        algorithm = data[at:stop]
        tag, _, after = der.element(data, first, end)
        if tag == 0xA0:
            after = der.expect(data, after, end, der.INTEGER, "serial number")[1]
        if not data.startswith(algorithm, after):
            raise CertificateError("another algorithm is signed than signs", offset=at)
        start, stop = der.expect(data, stop, end, der.BIT_STRING, "signature")
        if stop == start or data[start] != 0:
            raise CertificateError("signature of odd bits", offset=start)
        if stop != end:
            raise CertificateError(f"{end - stop} bytes after the signature", offset=stop)
        return tbs, algorithm, data[start + 1 : stop]

    @cached_property
    def sha256(self) -> str:
        return sha256(self.der).hexdigest()

    @cached_property
    def sha1(self) -> str:
        return sha1(self.der, usedforsecurity=False).hexdigest()

    @cached_property
    def spki_sha256(self) -> str:
        return sha256(self.spki).hexdigest()

    @cached_property
    def x509(self) -> x509.Certificate:
        """Cryptography's view. Raises CertificateError where its parser refuses."""
        from cryptography import x509
        from cryptography.utils import CryptographyDeprecationWarning

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CryptographyDeprecationWarning)
                return x509.load_der_x509_certificate(self.der)
        except (ValueError, x509.InvalidVersion) as error:
            raise CertificateError(f"certificate cannot be parsed: {error}") from None

    @cached_property
    def subject_text(self) -> str:
        return name_text(self.subject)

    @cached_property
    def issuer_text(self) -> str:
        return name_text(self.issuer)

    @cached_property
    def issuer_fields(self) -> dict[str, list[str]]:
        """Issuer attributes by short name ("CN", "O", "OU", ...), values in order."""
        return name_fields(self.issuer)

    @cached_property
    def subject_fields(self) -> dict[str, list[str]]:
        return name_fields(self.subject)

    @cached_property
    def is_self_issued(self) -> bool:
        return same_name(self.issuer, self.subject)

    @cached_property
    def basic_constraints(self) -> tuple[bool, int | None] | None:
        """(is a CA, path length) or None when the extension is absent."""
        value = self.extension("BC")
        if value is None:
            return None
        is_ca, length = False, None
        for tag, start, stop in _sequence(value, "basic constraints"):
            if tag == der.BOOLEAN:
                is_ca = value[start:stop] != b"\x00"
            elif tag == der.INTEGER:
                length = der.integer(value, start, stop)
        return is_ca, length

    @cached_property
    def may_sign_certificates(self) -> bool:
        """No key usage, or one with keyCertSign (RFC 5280 section 4.2.1.3)."""
        value = self.extension("KU")
        if value is None:
            return True
        start, stop = der.expect(value, 0, len(value), der.BIT_STRING, "key usage")
        return stop - start >= 2 and bool(value[start + 1] & 0x80 >> _KEY_CERT_SIGN)

    @cached_property
    def usages(self) -> tuple[str, ...] | None:
        """Extended key usage OIDs, None when absent."""
        value = self.extension("EKU")
        if value is None:
            return None
        return tuple(der.oid_text(value[a:b]) for _, a, b in _sequence(value, "key usages"))

    @cached_property
    def may_serve_tls(self) -> bool:
        return self.usages is None or not _SERVER_USAGES.isdisjoint(self.usages)

    @cached_property
    def dns_names(self) -> tuple[str, ...]:
        """Names as written, in lower case; an octet that no name may have is shown as `\\xe9`."""
        return tuple(
            v.decode("ascii", "backslashreplace").lower()
            for tag, v in self.general_names
            if tag == 0x82
        )

    @cached_property
    def ip_addresses(self) -> tuple[str, ...]:
        """Addresses; what is none (a network as in name constraints, or of odd length) is shown too."""
        return tuple(_address_text(v) for tag, v in self.general_names if tag == 0x87)

    @cached_property
    def general_names(self) -> tuple[tuple[int, bytes], ...]:
        """(tag, contents) of each subject alternative name (RFC 5280 section 4.2.1.6)."""
        value = self.extension("SAN")
        if value is None:
            return ()
        return tuple((tag, value[a:b]) for tag, a, b in _sequence(value, "subject names"))

    @cached_property
    def authority_key_id(self) -> bytes | None:
        """A hint at the issuer's key; one that cannot be read is none."""
        return self._authority(0x80)

    @cached_property
    def authority_serial(self) -> bytes | None:
        """The issuer's own serial number, where the leaf names it (RFC 5280 section 4.2.1.1)."""
        return self._authority(0x82)

    def _authority(self, wanted: int) -> bytes | None:
        with suppress(CertificateError):
            value = self.extension("AKI") or b""
            for tag, start, stop in _sequence(value, "authority key id"):
                if tag == wanted:
                    return value[start:stop]
        return None

    @cached_property
    def subject_key_id(self) -> bytes | None:
        """The other end of that hint."""
        with suppress(CertificateError):
            value = self.extension("SKI") or b""
            start, stop = der.expect(value, 0, len(value), der.OCTET_STRING, "subject key id")
            return value[start:stop]
        return None


@lru_cache(maxsize=512)
def read_certificate(data: bytes) -> Certificate:
    """`Certificate(data)`, remembering the last few hundred: intermediates repeat."""
    return Certificate(data)


def split_pem(data: bytes) -> list[bytes]:
    """DER of each certificate block of a PEM text, in order. Empty when there is none.

    Blocks are labelled CERTIFICATE, or X509 CERTIFICATE as old programs have it (RFC 7468 section 5.3).

    Raises CertificateError for a text over 16 MiB or a block that is not base64.
    """
    if len(data) > MAX_PEM:
        raise CertificateError(f"{len(data)} bytes of PEM, at most {MAX_PEM}")
    found: list[bytes] = []
    at = 0
    while begin := _BEGIN.search(data, at):
        finish = b"-----END %sCERTIFICATE-----" % (begin[1] or b"")
        stop = data.find(finish, begin.end())
        if stop < 0:
            raise CertificateError("PEM block without an end", offset=begin.start())
        try:
            found.append(binascii.a2b_base64(data[begin.end() : stop]))
        except ValueError as error:
            raise CertificateError(
                f"PEM block is not base64: {error}", offset=begin.start()
            ) from None
        at = stop
    return found


_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "1.2.840.113549.1.9.1": "email",
}


@lru_cache(maxsize=512)
def name_fields(name: bytes) -> dict[str, list[str]]:
    """Attributes of a DER name by short name; those of an unreadable one are left out."""
    fields: dict[str, list[str]] = {}
    for attribute, value in _attributes(name):
        fields.setdefault(attribute, []).append(value)
    return fields


@lru_cache(maxsize=512)
def name_text(name: bytes) -> str:
    """A DER name as RFC 4514 style text, most specific attribute first, e.g. "CN=R11,O=Let's Encrypt,C=US"."""
    parts = [f"{attribute}={_escape(value)}" for attribute, value in _attributes(name)]
    return ",".join(reversed(parts))


def _escape(value: str) -> str:
    value = value.translate({c: f"\\{chr(c)}" for c in b',+"\\<>;'})
    return "".join(c if c.isprintable() else f"\\{ord(c):02x}" for c in value)


def _attributes(name: bytes) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    try:
        for _, start, stop in _sequence(name, "name"):
            for _, first, last in der.children(name, start, stop):
                oid_start, oid_stop = der.expect(name, first, last, der.OID, "attribute type")
                tag, value_start, value_stop = der.element(name, oid_stop, last)
                oid = der.oid_text(name[oid_start:oid_stop])
                value = name[value_start:value_stop]
                encoding = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x14: "latin-1"}.get(tag, "utf-8")
                text = value.decode(encoding, "backslashreplace")
                found.append((_ATTRIBUTES.get(oid, oid), text))
    except CertificateError:
        pass  # what was readable up to here is shown
    return found


def _address_text(value: bytes) -> str:
    if len(value) in (4, 16):
        return str(ipaddress.ip_address(value))
    if len(value) in (8, 32):
        half = len(value) // 2
        return f"{ipaddress.ip_address(value[:half])}/{ipaddress.ip_address(value[half:])}"
    return f"#{value.hex()}"


def _extensions(data: bytes, at: int, end: int) -> tuple[tuple[str, bool, bytes], ...]:
    for tag, begin, stop in der.children(data, at, end, 3):
        if tag == 0xA3:
            first, last = der.expect(data, begin, stop, der.SEQUENCE, "extensions")
            items = der.children(data, first, last, 256)
            return tuple(_extension(data, start, finish) for _, start, finish in items)
    return ()


def _extension(data: bytes, at: int, end: int) -> tuple[str, bool, bytes]:
    start, stop = der.expect(data, at, end, der.OID, "extension id")
    name = der.oid_text(data[start:stop])
    tag, start, stop = der.element(data, stop, end)
    critical = tag == der.BOOLEAN and data[start:stop] != b"\x00"
    if tag == der.BOOLEAN:
        tag, start, stop = der.element(data, stop, end)
    if tag != der.OCTET_STRING:
        raise CertificateError("extension value is no octet string", offset=start)
    return EXTENSION_NAMES.get(name, name), critical, data[start:stop]


def _sequence(value: bytes, what: str) -> list[tuple[int, int, int]]:
    start, stop = der.expect(value, 0, len(value), der.SEQUENCE, what)
    return der.children(value, start, stop)
