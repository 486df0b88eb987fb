"""Roots for which an unchanged package answers: a root newer than our table need not be somebody's own.

A package says what it installed, with digests: a wheel in its RECORD (the binary distribution format of
PyPA), a Debian package in dpkg's md5sums. Files that still have these digests are as their maintainers
made them. A package that is not newer than the table has no root that the table lacks, whatever it says
of itself: then somebody wrote the digests as well.

None of this withstands somebody who means to deceive this very check; it tells the corporate agent that
appends a root to a bundle from the maintainers that ship a bundle of next year.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import date
from hashlib import md5, sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from detector.chain.certificate import split_pem
from detector.errors import CertificateError

DPKG = Path("/var/lib/dpkg")
_PACKAGES = ("ca-certificates", "python3-certifi")
_CERTIFICATES = re.compile(r"(\.crt|/cacert\.pem)$")
_MAX_FILE = 16 << 20
_MAX_STATUS = 256 << 20


def vouched_roots(made: date, dpkg: Path = DPKG) -> frozenset[str]:
    """SHA-256, hex, of all certificates in packages that are unchanged and newer than `made`."""
    files = [*_of_certifi(made), *(f for name in _PACKAGES for f in _of_dpkg(name, made, dpkg))]
    return frozenset(digest for data in files for digest in _certificates(data))


def _certificates(data: bytes) -> list[str]:
    try:
        return [sha256(der).hexdigest() for der in split_pem(data)]
    except CertificateError:
        return []


def _of_certifi(made: date) -> Iterator[bytes]:
    try:
        wheel: Distribution = distribution("certifi")
    except PackageNotFoundError:
        return
    if not _is_newer(wheel.version, made):
        return
    for file in wheel.files or ():
        if not _CERTIFICATES.search(f"/{file}") or file.hash is None or file.hash.mode != "sha256":
            continue
        data = _read(Path(str(file.locate())))
        digest = base64.urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()
        if data and digest == file.hash.value:
            yield data


def _of_dpkg(name: str, made: date, dpkg: Path) -> Iterator[bytes]:
    sums = _read(dpkg / "info" / f"{name}.md5sums").decode("utf-8", "replace")
    if not sums or not _is_newer(_version(name, dpkg), made):
        return
    root = dpkg.parents[2] if len(dpkg.parents) > 2 else Path("/")
    for line in sums.splitlines():
        digest, _, file = line.partition("  ")
        if not _CERTIFICATES.search(f"/{file}"):
            continue
        data = _read(root / file)
        if data and md5(data, usedforsecurity=False).hexdigest() == digest:
            yield data


def _version(name: str, dpkg: Path) -> str:
    """Of an installed Debian package; "" where it is none."""
    status = _read(dpkg / "status", _MAX_STATUS).decode("utf-8", "replace")
    stanza = re.search(rf"^Package: {re.escape(name)}\n(?:.+\n)*", status, re.MULTILINE)
    found = re.search(r"^Version: (?:\d+:)?(\S+)$", stanza[0], re.MULTILINE) if stanza else None
    return found[1] if found else ""


def _is_newer(version: str, made: date) -> bool:
    """Whether a version that is a day, as 2026.10.18 and 20260816+nmu1 are, is after `made`."""
    found = re.match(r"(\d{4})\.?(\d{1,2})\.?(\d{1,2})(?!\d)", version)
    try:
        return found is not None and date(*(int(part) for part in found.groups())) > made
    except ValueError:
        return False


def _read(path: Path, limit: int = _MAX_FILE) -> bytes:
    """The file; empty where there is none to read, or one that is too large."""
    try:
        return path.read_bytes() if path.stat().st_size <= limit else b""
    except OSError:
        return b""
