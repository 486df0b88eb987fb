"""The operating system's bundle, its folder of hashed names, and what an administrator added.

Debian: /usr/local/share/ca-certificates feeds /etc/ssl/certs (update-ca-certificates(8)). Fedora:
/etc/pki/ca-trust/source/anchors feeds /etc/pki/ca-trust/extracted (update-ca-trust(8)).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from detector.auditing.model import Place, Root
from detector.stores.reading import inside, modified, pem_place

BUNDLES = (
    ("etc/ssl/certs/ca-certificates.crt", "OpenSSL, GnuTLS, curl, Go"),
    ("etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "OpenSSL, GnuTLS, curl, Go"),
    ("etc/pki/tls/certs/ca-bundle.crt", "OpenSSL, curl, Go"),
    ("etc/ssl/ca-bundle.pem", "OpenSSL, curl, Go"),
    ("etc/ssl/cert.pem", "OpenSSL"),
)
HASHED = ("etc/ssl/certs", "etc/pki/tls/certs")
ANCHORS = (
    "usr/local/share/ca-certificates",
    "etc/pki/ca-trust/source/anchors",
    "usr/share/pki/ca-trust-source/anchors",
    "etc/ca-certificates/trust-source/anchors",
)
_HASH = re.compile(r"[0-9a-f]{8}\.\d+")
_MAX_FILES = 4000


def os_places(root: Path) -> list[Place]:
    """Bundles that are there, each file once, then what only the hashed folders hold."""
    since = _added(root)
    seen: set[Path] = set()
    places: list[Place] = []
    for name, used_by in BUNDLES:
        path = inside(root, root / name)
        if path.exists() and path not in seen:
            seen.add(path)
            places.append(_dated(pem_place("os", path, used_by), since))
    bundled = {entry.certificate.der for place in places for entry in place.roots}
    for name in HASHED:
        folder = root / name
        extra = hashed_roots(root, folder, bundled)
        if extra:
            place = Place("os", str(folder), tuple(extra), "OpenSSL")
            places.append(_dated(place, since))
    return places


def hashed_places(root: Path) -> list[Place]:
    """The folders of hashed names with everything in them, which OpenSSL reads beside a bundle."""
    found = [
        Place("os", str(root / name), tuple(hashed_roots(root, root / name, set())), "OpenSSL")
        for name in HASHED
    ]
    return [place for place in found if place.roots]


def hashed_roots(root: Path, folder: Path, bundled: set[bytes]) -> list[Root]:
    """Roots under hashed names (OpenSSL's CApath) that no bundle has."""
    found: dict[bytes, Root] = {}
    for path in _files(folder):
        if not _HASH.fullmatch(path.name):
            continue
        file = inside(root, path)
        for entry in pem_place("os", file, "").roots:
            if entry.certificate.der not in bundled:
                found[entry.certificate.der] = Root(entry.certificate, file.name, modified(file))
    return list(found.values())


def anchor_places(root: Path) -> list[Place]:
    """Each file that an administrator put there."""
    return [
        msgspec.structs.replace(pem_place("os", inside(root, path), ""), path=str(path))
        for name in ANCHORS
        for path in _files(root / name, deep=True)
    ]


def _added(root: Path) -> dict[bytes, tuple[str, datetime | None]]:
    """Name and time of such a file, by certificate."""
    return {
        entry.certificate.der: (place.path, modified(Path(place.path)))
        for place in anchor_places(root)
        for entry in place.roots
    }


def _dated(place: Place, since: dict[bytes, tuple[str, datetime | None]]) -> Place:
    def dated(entry: Root) -> Root:
        if entry.certificate.der not in since:
            return entry
        alias, added = since[entry.certificate.der]
        return Root(entry.certificate, alias, added, entry.usages)

    return msgspec.structs.replace(place, roots=tuple(map(dated, place.roots)))


def _files(folder: Path, *, deep: bool = False) -> Iterable[Path]:
    try:
        found = folder.rglob("*") if deep else folder.iterdir()
        files = [path for _, path in zip(range(_MAX_FILES), found, strict=False)]
    except OSError:
        return []
    return sorted(path for path in files if path.is_symlink() or path.is_file())
