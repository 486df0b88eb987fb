"""CCADB's reports: which CA certificates exist, and whose they are (www.ccadb.org/resources).

Two reports are joined by the certificate's digest: AllCertificateRecords (version 5) has owners and
status, AllCertificatePEMs the certificates themselves, one report a year of issue.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from io import StringIO

import msgspec

from detector.chain.certificate import Certificate, split_pem
from detector.errors import CertificateError, ListError

RECORDS = "https://ccadb.my.salesforce-sites.com/ccadb/AllCertificateRecordsCSVFormatv5"
PEMS = "https://ccadb.my.salesforce-sites.com/ccadb/AllCertificatePEMsCSVFormat?NotBeforeYear="
MAX_REPORT = 48 << 20
_REVOKED = frozenset(("Revoked", "Parent Cert Revoked"))
_PROGRAMS = ("Apple Status", "Chrome Status", "Microsoft Status", "Mozilla Status")
# A program that once had a root has looked at it; "Not Included" alone has not.
_NEVER = frozenset(("", "Not Included", "Not Yet Included", "Pending", "Rejected"))


class CaRecord(msgspec.Struct, frozen=True):
    """One CA certificate.

    Attributes:
        sha256: of the certificate, hex.
        public: some public program includes it or once did.
        usable: neither expired nor revoked on the day it was read.

    """

    sha256: str
    owner: str
    name: str
    root: bool
    public: bool
    usable: bool
    year: int


class CaOwners(msgspec.Struct, frozen=True):
    """What is kept of the reports.

    Attributes:
        owners: CA owner by key (SPKI SHA-256, hex).
        roots: owner by the digest of every root that a public program has or had.

    """

    owners: dict[str, str]
    roots: dict[str, str]


def parse_records(body: bytes, today: date) -> tuple[CaRecord, ...]:
    """AllCertificateRecordsCSVFormatv5. Raises ListError."""
    found: list[CaRecord] = []
    for row in _rows(body, ("SHA-256 Fingerprint", "CA Owner", "Certificate Record Type")):
        digest = row["SHA-256 Fingerprint"].replace(":", "").lower()
        if len(digest) != 64:
            continue
        until = row.get("Valid To (GMT)", "").replace(".", "-")
        year = row.get("Valid From (GMT)", "")[:4]
        found.append(
            CaRecord(
                sha256=digest,
                owner=row.get("Subordinate CA Owner") or row["CA Owner"],
                name=row.get("Certificate Name", ""),
                root=row["Certificate Record Type"] == "Root Certificate",
                public=any(row.get(column, "") not in _NEVER for column in _PROGRAMS),
                usable=until >= today.isoformat() and row.get("Revocation Status") not in _REVOKED,
                year=int(year) if year.isdecimal() and len(year) < 5 else 0,
            )
        )
    if not found:
        raise ListError("CCADB's report of records has no rows")
    return tuple(found)


def parse_pems(body: bytes) -> Iterator[Certificate]:
    """AllCertificatePEMsCSVFormat; unreadable certificates are left out. Raises ListError."""
    for row in _rows(body, ("X.509 Certificate (PEM)",)):
        try:
            (der,) = split_pem(row["X.509 Certificate (PEM)"].encode())
            yield Certificate(der)
        except (CertificateError, ValueError):
            continue


def join(records: Iterable[CaRecord], certificates: Iterable[Certificate]) -> CaOwners:
    """Owners by key, of the certificates at hand that the records name."""
    by_digest = {record.sha256: record for record in records}
    owners: dict[str, str] = {}
    for certificate in certificates:
        record = by_digest.get(certificate.sha256)
        if record is not None and record.usable:
            owners[certificate.spki_sha256] = record.owner
    roots = {r.sha256: r.owner for r in by_digest.values() if r.root and r.public}
    return CaOwners(owners, roots)


def _rows(body: bytes, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    if len(body) > MAX_REPORT:
        raise ListError(f"CCADB's report has more than {MAX_REPORT} bytes")
    text = StringIO(body.decode("utf-8", errors="replace"), newline="")
    reader = csv.DictReader(text, restval="")
    try:
        for name in needed:
            if name not in (reader.fieldnames or ()):
                raise ListError(f"CCADB's report has no column {name!r}")
        for row in reader:
            row.pop(None, None)
            yield row
    except csv.Error as error:
        raise ListError(f"CCADB's report breaks its grammar: {error}") from None
