"""The whole survey: every store and setting of this machine, or of the files below another root."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from detector.auditing.model import Place, Setting, Survey, Tool
from detector.bounded import read_regular
from detector.stores.bundles import os_places
from detector.stores.java import java_places
from detector.stores.macos import macos_places
from detector.stores.node import node_places
from detector.stores.nss import nss_places
from detector.stores.python import python_places
from detector.stores.reading import existing, inside, pem_place
from detector.stores.settings import is_file_of_roots, read_settings
from detector.stores.windows import windows_places


def survey(
    environment: Mapping[str, str],
    tools: Iterable[Tool],
    at: datetime,
    *,
    root: Path = Path("/"),
    homes: Iterable[Path] | None = None,
    also: Iterable[Path] = (),
) -> Survey:
    """Read everything. What cannot be read is said in its place; nothing is raised.

    Args:
        environment: the variables to judge.
        tools: rows of the precedence table, to tell which are installed.
        at: the time of the survey.
        root: where the file system begins, e.g. a mounted image's folder.
        homes: users' home folders; this user's, and everybody's where they can be read.
        also: more files and folders: PEM bundles, NSS databases, keystores.

    """
    users = list(homes) if homes is not None else home_folders(root)
    extra = [_classified(path) for path in also]
    settings = read_settings(root, users, environment)
    stores = [path for kind, path in extra if kind == "java"]
    here = root == Path("/")
    places = [
        *os_places(root),
        *nss_places(root, users),
        *(place for kind, path in extra if kind == "nss" for place in _nss(path)),
        *java_places(root, users, environment, stores),
        *python_places(root, users, environment),
        *(node_places() if here else ()),
        *(windows_places() if here else ()),
        *(macos_places(users) if here else ()),
        *(pem_place("file", path, "") for kind, path in extra if kind == "file"),
    ]
    places += _redirected(root, settings, places)
    programs = {name for tool in tools for name in tool.programs}
    installed = frozenset(name for name in programs if here and shutil.which(name))
    return Survey(at, tuple(places), settings, installed)


def home_folders(root: Path) -> list[Path]:
    """The user's own home, and below another root or for root everybody's."""
    found = [] if root != Path("/") else [Path.home()]
    if root != Path("/") or os.geteuid() == 0:
        found += [root / "root", *sorted((root / "home").glob("*"))]
    return list(dict.fromkeys(path for path in found if path.is_dir()))


def _redirected(root: Path, settings: Iterable[Setting], places: list[Place]) -> list[Place]:
    """Files that settings name and that are no place yet."""
    known = {inside(root, Path(place.path)) for place in places}
    found: list[Place] = []
    for setting in settings:
        if not is_file_of_roots(setting):
            continue
        path = existing(root, setting.value)
        if path is None or path in known or not path.is_file():
            continue
        known.add(path)
        if setting.key.startswith("java:"):
            continue
        found.append(pem_place("file", path, setting.key.partition(":")[2]))
    return found


def _classified(path: Path) -> tuple[str, Path]:
    if path.is_dir() or path.name == "cert9.db":
        return "nss", path
    try:
        head = read_regular(path, 4)
    except OSError:
        head = b""
    # JKS has a magic number of its own; PKCS #12 is DER that is no certificate.
    if head == b"\xfe\xed\xfe\xed" or path.suffix in (".jks", ".p12", ".pfx"):
        return "java", path
    return "file", path


def _nss(path: Path) -> list[Place]:
    from detector.stores.nss import nss_place

    return [nss_place(path if path.is_dir() else path.parent, "given")]
