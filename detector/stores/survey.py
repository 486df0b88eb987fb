"""The whole survey: every store and setting of this machine, or of the files below another root."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from detector.auditing.model import Place, Setting, Survey
from detector.bounded import read_regular
from detector.model.programs import Program
from detector.stores.bundles import hashed_roots, os_places
from detector.stores.java import java_places, keystore_place
from detector.stores.macos import macos_places
from detector.stores.node import node_places
from detector.stores.nss import nss_places
from detector.stores.python import python_places
from detector.stores.reading import existing, inside, pem_place
from detector.stores.settings import is_file_of_roots, read_settings
from detector.stores.windows import windows_places


def survey(
    environment: Mapping[str, str],
    programs: Iterable[Program],
    at: datetime,
    *,
    root: Path = Path("/"),
    homes: Iterable[Path] | None = None,
    also: Iterable[Path] = (),
    folder: Path | None = None,
) -> Survey:
    """Read everything. What cannot be read is said in its place; nothing is raised.

    Args:
        environment: the variables to judge.
        programs: of which to tell whether they are installed.
        at: the time of the survey.
        root: where the file system begins, e.g. a mounted image's folder.
        homes: users' home folders; this user's, and everybody's where they can be read.
        also: more files and folders: PEM bundles, NSS databases, keystores.
        folder: of a project whose own setting files count as well.

    """
    users = list(homes) if homes is not None else home_folders(root)
    extra = [_classified(path) for path in also]
    settings = read_settings(root, users, environment, folder)
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
    places += _redirected(root, settings, places, environment)
    installed = frozenset(
        program.id for program in programs if here and any(map(shutil.which, program.commands))
    )
    return Survey(at, tuple(places), settings, installed)


def variables_for(root: Path) -> Mapping[str, str]:
    """All variables where the files are this machine's; of another machine's only what tlsight itself is told."""
    if root == Path("/"):
        return os.environ
    return {name: value for name, value in os.environ.items() if name.startswith("TLSIGHT_")}


def home_folders(root: Path) -> list[Path]:
    """The user's own home, and below another root or for root everybody's."""
    found = [] if root != Path("/") else [Path.home()]
    if root != Path("/") or os.geteuid() == 0:
        found += [root / "root", *sorted((root / "home").glob("*"))]
    return list(dict.fromkeys(path for path in found if path.is_dir()))


def _redirected(
    root: Path, settings: Iterable[Setting], places: list[Place], environment: Mapping[str, str]
) -> list[Place]:
    """Files that settings name and that are no place yet."""
    known = {inside(root, Path(place.path)) for place in places}
    found: list[Place] = []
    for setting in settings:
        if not is_file_of_roots(setting):
            continue
        found += [
            _named(path, root, setting, environment)
            for name in setting.names.split(":")
            if (path := existing(root, name)) is not None and path not in known
        ]
        known |= {Path(place.path) for place in found}
    return found


def _named(path: Path, root: Path, setting: Setting, environment: Mapping[str, str]) -> Place:
    """A file or folder that a setting names, as a place."""
    name = setting.key.partition(":")[2]
    if path.is_dir():
        return Place("file", str(path), tuple(hashed_roots(root, path, set())), name)
    if "trustStore" in setting.key or "trustStore" in setting.value:
        return replace(keystore_place(path, environment), used_by=name)
    return pem_place("file", path, name)


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
