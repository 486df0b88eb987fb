"""Java's keystores (JKS and PKCS #12), read by keytool. "changeit" is their published password."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from detector.auditing.model import Place, Root
from detector.bounded import real_path
from detector.stores.programs import output
from detector.stores.reading import inside, roots_of

_PATTERNS = (
    "etc/ssl/certs/java/cacerts",
    "etc/pki/java/cacerts",
    "etc/pki/ca-trust/extracted/java/cacerts",
    "usr/lib/jvm/*/lib/security/jssecacerts",
    "usr/lib/jvm/*/lib/security/cacerts",
    "usr/lib/jvm/*/jre/lib/security/cacerts",
    "usr/java/*/lib/security/cacerts",
    "opt/*/lib/security/cacerts",
    "opt/*/jre/lib/security/cacerts",
)
_BELOW_HOME = (".sdkman/candidates/java/*/lib/security/cacerts", ".jdks/*/lib/security/cacerts")
_ENTRY = re.compile(r"^Alias name: (?P<alias>.*)$", re.MULTILINE)
_CREATED = re.compile(r"^Creation date: (?P<date>\w{3} \d{1,2}, \d{4})$", re.MULTILINE)


def java_places(
    root: Path, homes: Iterable[Path], environment: Mapping[str, str], also: Iterable[Path] = ()
) -> list[Place]:
    """Keystores that are there, each file once however many links lead to it."""
    own = keystores(root, homes, environment)
    given = {real_path(path) for path in also} - own
    # A keytool beside a keystore is run only where this machine's own programs are.
    beside = root == Path("/")
    places = [keystore_place(path, environment, beside=beside) for path in sorted(own)]
    return places + [keystore_place(path, environment) for path in sorted(given)]


def keystores(root: Path, homes: Iterable[Path], environment: Mapping[str, str]) -> set[Path]:
    """Files that are there where a JDK has them."""
    found = [path for pattern in _PATTERNS for path in sorted(root.glob(pattern))]
    for home in homes:
        found += [path for pattern in _BELOW_HOME for path in sorted(home.glob(pattern))]
    if environment.get("JAVA_HOME") and root == Path("/"):
        found.append(Path(environment["JAVA_HOME"], "lib/security/cacerts"))
    real = {inside(root, path) for path in found if path.is_file() or path.is_symlink()}
    return {path for path in real if path.is_file()}


def keystore_place(path: Path, environment: Mapping[str, str], *, beside: bool = False) -> Place:
    """One keystore.

    `beside` lets the keytool of the JDK that the keystore lies in be run, where none is on PATH: never
    for an image's or a stranger's files.
    """
    keytool = _keytool(path if beside else None, environment)
    if keytool is None:
        return Place("java", str(path), used_by="Java", trouble="needs a JDK's keytool")
    command = [keytool, "-J-Duser.language=en", "-J-Duser.country=US", "-list", "-rfc"]
    password = environment.get("TLSIGHT_KEYSTORE_PASSWORD") or "changeit"
    listed = output(
        [*command, "-keystore", str(path), "-storepass:env", "TLSIGHT_STOREPASS"],
        {"TLSIGHT_STOREPASS": password},
    )
    if listed is None:
        why = "keytool cannot open it; put its password into TLSIGHT_KEYSTORE_PASSWORD"
        return Place("java", str(path), used_by="Java", trouble=why)
    roots, trouble = parse_listing(listed.decode("utf-8", errors="replace"))
    return Place("java", str(path), roots, "Java", trouble)


def parse_listing(text: str) -> tuple[tuple[Root, ...], str | None]:
    """Trusted certificates of `keytool -list -rfc`, with alias and date."""
    starts = [match.start() for match in _ENTRY.finditer(text)]
    roots: list[Root] = []
    trouble: str | None = None
    for start, end in zip(starts, [*starts[1:], len(text)], strict=False):
        entry = text[start:end]
        if "PrivateKeyEntry" in entry:
            continue
        alias = _ENTRY.search(entry)
        name = alias["alias"].strip() if alias else ""
        found, wrong = roots_of(entry.encode(), name, _created(entry))
        roots += found
        trouble = trouble or wrong
    return tuple(roots), trouble


def _created(entry: str) -> datetime | None:
    found = _CREATED.search(entry)
    try:
        return datetime.strptime(found["date"], "%b %d, %Y").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def _keytool(keystore: Path | None, environment: Mapping[str, str]) -> str | None:
    """JAVA_HOME's keytool, else the one on PATH, else that of the keystore's own JDK."""
    home = environment.get("JAVA_HOME")
    if home and Path(home, "bin/keytool").is_file():
        return str(Path(home, "bin/keytool"))
    found = shutil.which("keytool")
    if found is None and keystore is not None:
        own = keystore.parent.parent.parent / "bin" / "keytool"
        found = str(own) if own.is_file() else None
    return found
