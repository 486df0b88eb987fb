"""Certificate, CertificateRequest, CertificateStatus, ServerKeyExchange's group.

Framing only: the certificates stay DER bytes here.
Sources: RFC 5246 section 7.4, RFC 8446 sections 4.3.2 and 4.4.2, RFC 6066 section 8.
"""

from __future__ import annotations

import msgspec

from detector.errors import WireError
from detector.wire import registry as r
from detector.wire.reader import Reader

MAX_CERTIFICATES = 100
MAX_NAMES = 4096


class CertificateEntry(msgspec.Struct, frozen=True):
    """One certificate (DER) with its TLS 1.3 extensions (none in TLS 1.2)."""

    der: bytes
    extensions: tuple[tuple[int, bytes], ...] = ()

    @property
    def ocsp(self) -> bytes | None:
        for kind, body in self.extensions:
            if kind == r.STATUS_REQUEST:
                return parse_certificate_status(body)
        return None

    @property
    def scts(self) -> bytes | None:
        """The list of SCTs, unread (RFC 6962 section 3.3.1)."""
        for kind, body in self.extensions:
            if kind == r.SIGNED_CERTIFICATE_TIMESTAMP:
                return body
        return None


class CertificateRequest(msgspec.Struct, frozen=True):
    """What the server asks of a client certificate.

    `authorities` are DER distinguished names; empty means any authority will do.
    """

    authorities: tuple[bytes, ...]
    signature_algorithms: tuple[int, ...]
    types: tuple[int, ...] = ()
    context: bytes = b""


def parse_certificate_tls12(body: bytes, base: int = 0) -> tuple[CertificateEntry, ...]:
    """certificate_list of RFC 5246 section 7.4.2. Raises WireError."""
    read = Reader(body, base)
    entries = read.vector(3, "certificate list")
    read.done("certificate message")
    found: list[CertificateEntry] = []
    while entries.left:
        _room(found, entries)
        found.append(CertificateEntry(entries.vector(3, "certificate").rest()))
    return tuple(found)


def parse_certificate_tls13(body: bytes, base: int = 0) -> tuple[CertificateEntry, ...]:
    """certificate_list of RFC 8446 section 4.4.2. Raises WireError."""
    read = Reader(body, base)
    read.vector(1, "certificate request context")
    entries = read.vector(3, "certificate list")
    read.done("certificate message")
    found: list[CertificateEntry] = []
    while entries.left:
        _room(found, entries)
        der = entries.vector(3, "certificate").rest()
        found.append(CertificateEntry(der, _extensions(entries.vector(2, "extensions"))))
    return tuple(found)


def parse_certificate_request_tls12(body: bytes, base: int = 0) -> CertificateRequest:
    """RFC 5246 section 7.4.4. Raises WireError."""
    read = Reader(body, base)
    types = tuple(read.vector(1, "certificate types").rest())
    schemes = read.vector(2, "signature algorithms").uint16_list("signature algorithms")
    names = _names(read.vector(2, "certificate authorities"))
    read.done("certificate request")
    return CertificateRequest(names, schemes, types)


def parse_certificate_request_tls11(body: bytes, base: int = 0) -> CertificateRequest:
    """Before TLS 1.2 there was no list of algorithms (RFC 4346 section 7.4.4). Raises WireError."""
    read = Reader(body, base)
    types = tuple(read.vector(1, "certificate types").rest())
    names = _names(read.vector(2, "certificate authorities"))
    read.done("certificate request")
    return CertificateRequest(names, (), types)


def parse_certificate_request_tls13(body: bytes, base: int = 0) -> CertificateRequest:
    """RFC 8446 section 4.3.2. Raises WireError."""
    read = Reader(body, base)
    context = read.vector(1, "request context").rest()
    extensions = _extensions(read.vector(2, "extensions"))
    read.done("certificate request")
    names: tuple[bytes, ...] = ()
    schemes: tuple[int, ...] = ()
    for kind, value in extensions:
        if kind == r.CERTIFICATE_AUTHORITIES:
            names = _names(Reader(value).vector(2, "certificate authorities"))
        elif kind == r.SIGNATURE_ALGORITHMS:
            schemes = Reader(value).vector(2, "signature algorithms").uint16_list("schemes")
    return CertificateRequest(names, schemes, (), context)


def parse_certificate_status(body: bytes, base: int = 0) -> bytes:
    """The OCSP response (DER) of a CertificateStatus. Raises WireError for other types."""
    read = Reader(body, base)
    kind = read.uint(1, "status type")
    if kind != 1:
        raise WireError(f"certificate status type {kind}, only ocsp (1) is known", base)
    return read.vector(3, "OCSP response").rest()


def key_exchange_group(body: bytes, base: int = 0) -> int | None:
    """Named curve of an ECDHE ServerKeyExchange (RFC 8422 section 5.4); None for other kinds."""
    read = Reader(body, base)
    return read.uint(2, "named curve") if read.uint(1, "curve type") == 3 else None


def _room(found: list[CertificateEntry], read: Reader) -> None:
    if len(found) == MAX_CERTIFICATES:
        raise WireError(f"more than {MAX_CERTIFICATES} certificates", read.base + read.at)


def _extensions(read: Reader) -> tuple[tuple[int, bytes], ...]:
    found: list[tuple[int, bytes]] = []
    while read.left:
        if len(found) == 64:
            raise WireError("more than 64 extensions", read.base + read.at)
        kind = read.uint(2, "extension type")
        found.append((kind, read.vector(2, "extension").rest()))
    return tuple(found)


def _names(read: Reader) -> tuple[bytes, ...]:
    found: list[bytes] = []
    while read.left:
        if len(found) == MAX_NAMES:
            raise WireError(f"more than {MAX_NAMES} names", read.base + read.at)
        found.append(read.vector(2, "distinguished name").rest())
    return tuple(found)
