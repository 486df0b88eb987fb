"""NSS databases: Firefox's profiles, Chromium's per user, the system's. Read by NSS's own certutil.

Only what somebody put there: NSS's built-in roots are not in these files.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from detector.auditing.model import Place, Root
from detector.stores.programs import output
from detector.stores.reading import inside, modified, roots_of

# Below a home; the last part may be a pattern.
_PROFILES = (
    (".mozilla/firefox/*", "Firefox"),
    (".config/mozilla/firefox/*", "Firefox"),
    ("snap/firefox/common/.mozilla/firefox/*", "Firefox (snap)"),
    (".var/app/org.mozilla.firefox/.mozilla/firefox/*", "Firefox (flatpak)"),
    (".thunderbird/*", "Thunderbird"),
    (".pki/nssdb", "Chromium, Chrome"),
    (".local/share/pki/nssdb", "Chromium, Chrome"),
    ("snap/chromium/current/.pki/nssdb", "Chromium (snap)"),
)
_SYSTEM = ("etc/pki/nssdb",)
# A nickname, then trust for TLS, mail and code: "CT,C,C".
_ROW = re.compile(r"^(?P<name>\S.*?)(?<!\s)\s++(?P<trust>[a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*)\s*$")


def nss_places(root: Path, homes: Iterable[Path]) -> list[Place]:
    """Databases that are there."""
    return [nss_place(file.parent, used_by) for file, used_by in databases(root, homes)]


def databases(root: Path, homes: Iterable[Path]) -> list[tuple[Path, str]]:
    """Files that are there, and who uses them."""
    folders = [(root / name, "NSS programs") for name in _SYSTEM]
    for home in homes:
        for pattern, used_by in _PROFILES:
            folders += [(path, used_by) for path in sorted(home.glob(pattern))]
    return [
        (file, used_by)
        for folder, used_by in folders
        if (file := inside(root, folder / "cert9.db")).is_file()
    ]


def nss_place(folder: Path, used_by: str) -> Place:
    """One database: certificates that it trusts to issue for TLS servers."""
    path = str(folder / "cert9.db")
    certutil = shutil.which("certutil")
    if certutil is None:
        why = "needs NSS's certutil (Debian's libnss3-tools)"
        return Place("nss", path, used_by=used_by, trouble=why)
    listed = output([certutil, "-L", "-d", f"sql:{folder}"])
    if listed is None:
        return Place("nss", path, used_by=used_by, trouble="certutil cannot read it")
    roots: list[Root] = []
    trouble: str | None = None
    for name, trust in parse_listing(listed.decode("utf-8", errors="replace")):
        if not set(trust.split(",")[0]) & set("CTP"):
            continue
        pem = output([certutil, "-L", "-d", f"sql:{folder}", "-n", name, "-a"])
        if pem is None:
            trouble = f"certutil cannot show {name!r}"
            continue
        found, wrong = roots_of(pem, name, modified(folder / "cert9.db"), trust)
        roots += found
        trouble = trouble or wrong
    return Place("nss", path, tuple(roots), used_by, trouble)


def parse_listing(text: str) -> list[tuple[str, str]]:
    """Nicknames and trust flags of `certutil -L`."""
    found = (_ROW.match(line) for line in text.splitlines())
    return [
        (row["name"], row["trust"])
        for row in found
        if row and row["name"] not in ("Certificate Nickname", "SSL,S/MIME,JAR/XPI")
    ]
