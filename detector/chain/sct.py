"""Signed Certificate Timestamps (RFC 6962 section 3): embedded in the leaf, or sent beside it.

Theory of operation
-------------------
For one that is embedded the log signs the leaf's TBSCertificate without the SCT list, and the
SHA-256 of the issuer's key; for one that comes beside the leaf, the leaf as it is:

    00 | 00 | u64 timestamp | 0001 | issuer key hash | u24 length | TBS | u16 length | extensions
    00 | 00 | u64 timestamp | 0000 | u24 length | leaf | u16 length | extensions

So a valid SCT of a known log says: this very leaf key was shown to a public log as issued by this
very issuer. An SCT copied from another certificate fails, because key and issuer differ. An SCT of
an unknown log says nothing either way; it must not be called forged.

What comes beside the leaf (in the TLS extension, in the stapled OCSP response; section 3.3) is
signed by nobody but the log, so it proves the same whichever connection brought it. One that fails
there is no forgery by the CA: lists in files go stale with each renewal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, Protocol

import msgspec

from detector.chain import der
from detector.chain.certificate import Certificate
from detector.chain.precertificate import without_scts
from detector.chain.signature import Answer, check_digital_signature
from detector.errors import CertificateError, WireError
from detector.wire.reader import Reader

MAX_SCTS = 32

SctStatus = Literal[
    "valid",  # signature of a known log, within its interval and its life
    "invalid",  # a known log's name, but not its signature
    "unknown-log",
    "outside-interval",  # signed, but the leaf's expiry is not this shard's
    "untrusted-log",  # signed by a log that is not yet, or no longer at that time, trusted
    "unverifiable",  # the issuer is missing, the log redacts names, or nobody here can tell
]
SctSource = Literal["certificate", "tls-extension", "ocsp-staple"]


class Issuer(Protocol):
    """Whoever has the key that signed: a certificate, or a key that is known without one."""

    @property
    def spki_sha256(self) -> str:
        """SHA-256 of the key, hex."""


class CTLog(msgspec.Struct, frozen=True):
    """One log: its key and when its word counts.

    Attributes:
        log_id: SHA-256 of the key, 32 bytes.
        key: DER SubjectPublicKeyInfo.
        start, end: the shard's interval of leaf expiry, half open; None when unsharded.
        state: of the official list; the word of a "pending" log does not count yet (test logs,
            which accept anything, stay pending for ever).
        distrusted: SCTs from this time on do not count (retired or rejected logs).
        redacts: the log removes names before signing, so its SCTs never verify (Deneb).
        url: where it is asked, with a slash at the end; empty when unknown.
        tiled: whether it speaks static-ct there, instead of RFC 6962.

    """

    log_id: bytes
    key: bytes
    name: str
    operator: str
    state: str
    start: datetime | None = None
    end: datetime | None = None
    distrusted: datetime | None = None
    redacts: bool = False
    url: str = ""
    tiled: bool = False


class Sct(msgspec.Struct, frozen=True):
    """One SCT as it came."""

    log_id: bytes
    timestamp_ms: int
    extensions: bytes
    hash_algorithm: int
    signature_algorithm: int
    signature: bytes

    @property
    def timestamp(self) -> datetime:
        """Aware UTC; the far future for a value no calendar holds."""
        seconds = min(self.timestamp_ms / 1000, 253402300799.0)
        return datetime.fromtimestamp(seconds, UTC)

    @property
    def leaf_index(self) -> int | None:
        """Position in a static-ct log, from its SCT extension (type 0, 5 bytes), None without one."""
        read = Reader(self.extensions)
        try:
            while read.left:
                kind = read.uint(1, "extension type")
                body = read.vector(2, "extension").rest()
                if kind == 0 and len(body) == 5:
                    return int.from_bytes(body, "big")
        except WireError:
            pass
        return None


class SctResult(msgspec.Struct, frozen=True):
    """What one SCT is worth, and where it came."""

    sct: Sct
    status: SctStatus
    log: CTLog | None
    source: SctSource = "certificate"

    @property
    def embedded(self) -> bool:
        return self.source == "certificate"


def embedded_scts(leaf: Certificate) -> tuple[Sct, ...]:
    """The SCTs of a leaf; empty when it has none. Raises CertificateError on a malformed list."""
    value = leaf.extension("SCT")
    if value is None:
        return ()
    start, stop = der.expect(value, 0, len(value), der.OCTET_STRING, "SCT list")
    try:
        return parse_sct_list(value[start:stop])
    except WireError as error:
        raise CertificateError(f"SCT list: {error.message}") from None


def parse_sct_list(data: bytes) -> tuple[Sct, ...]:
    """SignedCertificateTimestampList of RFC 6962 section 3.3. Raises WireError."""
    read = Reader(data)
    items = read.vector(2, "SCT list")
    read.done("SCT list")
    found: list[Sct] = []
    while items.left:
        if len(found) == MAX_SCTS:
            raise WireError(f"more than {MAX_SCTS} SCTs", items.base + items.at)
        one = items.vector(2, "SCT")
        if one.uint(1, "SCT version") != 0:
            continue  # other versions are to be ignored
        log_id = one.take(32, "log id")
        timestamp = one.uint(8, "timestamp")
        extensions = one.vector(2, "extensions").rest()
        hash_algorithm = one.uint(1, "hash algorithm")
        signature_algorithm = one.uint(1, "signature algorithm")
        signature = one.vector(2, "signature").rest()
        one.done("SCT")
        found.append(
            Sct(log_id, timestamp, extensions, hash_algorithm, signature_algorithm, signature)
        )
    return tuple(found)


def check_scts(
    leaf: Certificate, issuer: Issuer | None, logs: Mapping[bytes, CTLog]
) -> tuple[SctResult, ...]:
    """Each embedded SCT of `leaf` with its worth. Raises CertificateError on a malformed list.

    `issuer` has the key that signed the leaf, None when it is not known.
    """
    return tuple(_check(leaf, issuer, sct, logs.get(sct.log_id)) for sct in embedded_scts(leaf))


def check_sent_scts(
    leaf: Certificate, scts: Iterable[Sct], logs: Mapping[bytes, CTLog], source: SctSource
) -> tuple[SctResult, ...]:
    """Each SCT that came beside `leaf` with its worth; nobody's issuer is needed."""
    return tuple(_check(leaf, None, sct, logs.get(sct.log_id), source) for sct in scts)


def signed_input(sct: Sct, issuer_key_hash: bytes, tbs: bytes) -> bytes:
    """The bytes a log signs for a precertificate entry."""
    return _signed(sct, b"\x00\x01" + issuer_key_hash, tbs)


def signed_certificate_input(sct: Sct, certificate: bytes) -> bytes:
    """The bytes a log signs for a certificate (DER) as it is, an x509_entry."""
    return _signed(sct, b"\x00\x00", certificate)


def _signed(sct: Sct, kind: bytes, entry: bytes) -> bytes:
    return (
        b"\x00\x00"
        + sct.timestamp_ms.to_bytes(8, "big")
        + kind
        + len(entry).to_bytes(3, "big")
        + entry
        + len(sct.extensions).to_bytes(2, "big")
        + sct.extensions
    )


def _check(
    leaf: Certificate,
    issuer: Issuer | None,
    sct: Sct,
    log: CTLog | None,
    source: SctSource = "certificate",
) -> SctResult:
    if log is None:
        return SctResult(sct, "unknown-log", None, source)
    embedded = source == "certificate"
    if log.redacts or (embedded and issuer is None):
        return SctResult(sct, "unverifiable", log, source)
    issuer_key = issuer.spki_sha256 if embedded and issuer is not None else None
    answer = _signature(leaf, issuer_key, sct, log.key)
    if answer != "holds":
        return SctResult(sct, "invalid" if answer == "refuted" else "unverifiable", log, source)
    if log.start and log.end and not log.start <= leaf.not_after < log.end:
        return SctResult(sct, "outside-interval", log, source)
    if log.state == "pending" or (log.distrusted and sct.timestamp >= log.distrusted):
        return SctResult(sct, "untrusted-log", log, source)
    return SctResult(sct, "valid", log, source)


@lru_cache(maxsize=1024)
def _signature(leaf: Certificate, issuer_key_hash: str | None, sct: Sct, log_key: bytes) -> Answer:
    """Without an issuer's key: over the leaf as it is."""
    if issuer_key_hash is None:
        signed = signed_certificate_input(sct, leaf.der)
    else:
        try:
            tbs = without_scts(leaf)
        except CertificateError:
            return "unknown"
        signed = signed_input(sct, bytes.fromhex(issuer_key_hash), tbs)
    algorithms = sct.hash_algorithm, sct.signature_algorithm
    return check_digital_signature(log_key, algorithms, sct.signature, signed)
