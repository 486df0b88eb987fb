"""Files of certificates, read leniently: what cannot be read becomes the place's trouble."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from detector.chain.certificate import Certificate, split_pem
from detector.errors import CertificateError
from detector.trust.model import Place, Root

MAX_BUNDLE = 16 << 20


def pem_place(kind: str, path: Path, used_by: str, added: datetime | None = None) -> Place:
    """A PEM bundle (or one DER certificate) as a place."""
    try:
        data = path.read_bytes()[:MAX_BUNDLE]
    except OSError as error:
        return Place(kind, str(path), used_by=used_by, trouble=error.strerror or str(error))
    roots, trouble = roots_of(data, added=added)
    return Place(kind, str(path), roots, used_by, trouble)


def roots_of(
    data: bytes, alias: str = "", added: datetime | None = None, usages: str = ""
) -> tuple[tuple[Root, ...], str | None]:
    """Certificates of PEM, or of one DER; and what is wrong with the rest."""
    try:
        ders = split_pem(data) or ([data] if data[:1] == b"\x30" else [])
    except CertificateError as error:
        return (), error.message
    return roots_of_ders(ders, alias, added, usages)


def roots_of_ders(
    ders: Iterable[bytes], alias: str = "", added: datetime | None = None, usages: str = ""
) -> tuple[tuple[Root, ...], str | None]:
    """Each certificate once, in order; and how many could not be read."""
    found: dict[bytes, Root] = {}
    bad = 0
    for der in ders:
        try:
            found[der] = Root(Certificate(der), alias, added, usages)
        except CertificateError:
            bad += 1
    return tuple(found.values()), f"{bad} certificates cannot be read" if bad else None


def modified(path: Path) -> datetime | None:
    """A file's time of change."""
    try:
        return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except OSError:
        return None
