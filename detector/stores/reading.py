"""Files of certificates, read leniently: what cannot be read becomes the place's trouble."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from detector.auditing.model import Place, Root
from detector.bounded import read_regular, real_path
from detector.chain.certificate import Certificate, split_pem
from detector.errors import CertificateError

MAX_BUNDLE = 16 << 20
_MAX_LINKS = 40
# Below a device there is nothing.
_NOWHERE = Path(os.devnull) / "nowhere"


def pem_place(kind: str, path: Path, used_by: str, added: datetime | None = None) -> Place:
    """A PEM bundle (or one DER certificate) as a place."""
    try:
        data = read_regular(path, MAX_BUNDLE)
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


def inside(root: Path, path: Path) -> Path:
    """The file that `path` leads to for programs whose file system begins at `root`.

    Absolute links of an image lead to the image's files, never to this machine's. What does not lie
    below `root`, e.g. an active environment, is this machine's.
    """
    if root == Path("/") or not path.is_relative_to(root):
        return real_path(path)
    waiting = list(path.relative_to(root).parts)
    current = root
    links = 0
    while waiting:
        part = waiting.pop(0)
        if part == "..":
            current = current.parent if current != root else root
        elif (current / part).is_symlink():
            links += 1
            if links > _MAX_LINKS:
                return _NOWHERE  # not to be followed by the system: that would be this machine's
            target = (current / part).readlink()
            if target.is_absolute():
                current = root
            waiting[:0] = target.relative_to("/").parts if target.is_absolute() else target.parts
        else:
            current /= part
    return current


def existing(root: Path, name: str) -> Path | None:
    """The file or folder that a setting names, for programs whose file system begins at `root`.

    None where nothing is there, or the name can be no path.
    """
    try:
        path = Path(name).expanduser()
        if root != Path("/") and not path.is_relative_to(root):
            path = root / str(path).lstrip("/")
        file = inside(root, path)
        return file if file.exists() else None
    except (OSError, RuntimeError, ValueError):
        return None


def modified(path: Path) -> datetime | None:
    """A file's time of change."""
    try:
        return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    except OSError:
        return None
