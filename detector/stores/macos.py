"""macOS: keychains through security(1). Apple's own roots, then what was added to the system."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from detector.auditing.model import Place
from detector.stores.programs import output
from detector.stores.reading import roots_of

_KEYCHAINS = (
    ("/System/Library/Keychains/SystemRootCertificates.keychain", "Safari, curl, Chrome"),
    ("/Library/Keychains/System.keychain", "Safari, curl, Chrome: added on this machine"),
)
Run = Callable[[Sequence[str]], bytes | None]


def macos_places(homes: Iterable[Path], run: Run | None = None) -> list[Place]:
    """Keychains as `security find-certificate -a -p` prints them; none elsewhere than on macOS."""
    if run is None:
        if platform.system() != "Darwin":
            return []
        run = output
    users = [
        (str(home / "Library/Keychains/login.keychain-db"), "Safari, curl: this user's")
        for home in homes
    ]
    return [_place(path, used_by, run) for path, used_by in (*_KEYCHAINS, *users)]


def _place(path: str, used_by: str, run: Run) -> Place:
    pem = run(["/usr/bin/security", "find-certificate", "-a", "-p", path])
    if pem is None:
        return Place("macos", path, used_by=used_by, trouble="security cannot read it")
    roots, trouble = roots_of(pem)
    return Place("macos", path, roots, used_by, trouble)
