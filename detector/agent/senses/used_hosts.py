"""Which hosts this user's programs speak to, for `hosts-from`: read where the programs keep them, and kept to oneself.

firefox    visited pages of places.sqlite, the most frequented first
chromium   urls of History, likewise: Chromium, Chrome, Edge, Brave, Vivaldi, Opera
settings   addresses that registries, mirrors and remotes have in setting files (npmrc, pip.conf, cargo, containers ...)
git        https:// remotes of the repositories below the home, two folders deep, and of the user's own settings

A database is opened as it lies there, without locks and without a byte written (immutable); where its browser has a log beside
it that is not yet written back, both are copied to a private folder first, and it is read there. What a browser writes at that
moment may make it unreadable this time. Foreign files: a database may be anything, so what it may cost is bounded, and nothing
in it is run.
"""

from __future__ import annotations

import ipaddress
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from detector.bounded import read_regular
from detector.errors import TargetError
from detector.knowledge.owners import is_ours
from detector.knowledge.trust_tables import setting_kinds
from detector.model.no_json import NO_JSON
from detector.model.observation import Target
from detector.model.targets import parse_target
from detector.net.pointed import kind_of
from detector.stores.formats import read_format
from detector.stores.setting_files import Places

# Of each source, and what a database may cost: bytes, rows, steps of its machine, bytes of a value.
MOST = 200
_MAX_DATABASE, _MAX_COPY = 1 << 30, 64 << 20
_MAX_ROWS = 20_000
_MAX_STEPS = 20_000_000
_MAX_VALUE = 64 << 10
_MAX_FILE = 1 << 20
_FIREFOX = (
    "~/.mozilla/firefox/*/places.sqlite", "~/.config/mozilla/firefox/*/places.sqlite",
    "~/snap/firefox/common/.mozilla/firefox/*/places.sqlite",
    "~/.var/app/org.mozilla.firefox/.mozilla/firefox/*/places.sqlite",
    "~/Library/Application Support/Firefox/Profiles/*/places.sqlite",
    "$APPDATA/Mozilla/Firefox/Profiles/*/places.sqlite",
)  # fmt: skip
_CHROMIUMS = (
    "~/.config/chromium", "~/.config/google-chrome", "~/.config/microsoft-edge",
    "~/.config/BraveSoftware/Brave-Browser", "~/.config/vivaldi", "~/.config/opera",
    "~/snap/chromium/common/chromium", "~/.var/app/org.chromium.Chromium/config/chromium",
    "~/.var/app/com.google.Chrome/config/google-chrome",
    "~/Library/Application Support/Google/Chrome", "~/Library/Application Support/Chromium",
    "~/Library/Application Support/Microsoft Edge", "$LOCALAPPDATA/Google/Chrome/User Data",
    "$LOCALAPPDATA/Microsoft/Edge/User Data",
)  # fmt: skip
_CHROMIUM = tuple(
    f"{folder}/{name}/History" for folder in _CHROMIUMS for name in ("Default", "Profile *")
)
_REPOSITORIES = ("~/*/.git/config", "~/*/*/.git/config")
_KINDS = frozenset((
    "npmrc", "yarnrc", "yarnrc.yml", "pnpm", "bunfig", "pip", "uv", "poetry", "condarc", "cargo", "gemrc", "bundle",
    "composer", "gradle", "docker", "dockerclient", "containers", "helmrepositories", "kubeconfig", "terraformrc",
    "nugetconfig", "conanremotes",
))  # fmt: skip
# Bookmarks that came with the browser were never visited.
_FREQUENTED = (
    "SELECT url FROM moz_places WHERE last_visit_date IS NOT NULL AND url >= 'https://' AND url < 'https:0'"
    " ORDER BY frecency DESC"
)
_VISITED = (
    "SELECT url FROM urls WHERE url >= 'https://' AND url < 'https:0' ORDER BY visit_count DESC"
)


class _Docker(msgspec.Struct):
    auths: dict[str, Any] = {}


_DOCKER = msgspec.json.Decoder(_Docker)


def used_hosts(
    sources: Iterable[str], home: Path, environment: Mapping[str, str]
) -> tuple[Target, ...]:
    """Targets, of each source at most MOST, the most used first; each once. What cannot be read is left out.

    Args:
        sources: of SOURCES.
        home: whose.
        environment: the user's; variables say where programs keep their settings.

    """
    places = Places(Path("/"), (home,), environment)
    found: dict[tuple[str, int], Target] = {}
    for source in sources:
        targets = _targets(SOURCES[source](places))
        for target in islice(targets, MOST):
            found.setdefault((target.host, target.port), target)
    return tuple(found.values())


def _targets(urls: Iterable[str]) -> Iterator[Target]:
    """Of https:// addresses, each host once; none of this machine itself."""
    seen: set[tuple[str, int]] = set()
    for url in urls:
        try:
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname:
                continue
            # Not its path, nor who logs in there.
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            target = parse_target(f"{host}:{parts.port or 443}")
        except (ValueError, TargetError):
            continue
        where = (target.host, target.port)
        if where not in seen and not _is_here(target.host):
            seen.add(where)
            yield target


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return kind_of(ipaddress.ip_address(host)) in (
            "loopback",
            "nobody's",
            "metadata",
            "multicast",
        )
    except ValueError:
        return False


def _of_firefox(places: Places) -> Iterator[str]:
    for file in places.files(_FIREFOX):
        yield from read_database(file.path, _FREQUENTED)


def _of_chromium(places: Places) -> Iterator[str]:
    for file in places.files(_CHROMIUM):
        yield from read_database(file.path, _VISITED)


def _of_settings(places: Places) -> Iterator[str]:
    for kind in setting_kinds():
        if kind.name not in _KINDS or kind.format in ("folder", "none"):
            continue
        for file in places.files(kind.files):
            yield from addresses(kind.name, kind.format, _read(file.path))


def _of_git(places: Places) -> Iterator[str]:
    kind = next(kind for kind in setting_kinds() if kind.name == "git")
    for file in places.files((*kind.files, *_REPOSITORIES)):
        yield from addresses("git", kind.format, _read(file.path))


SOURCES: Mapping[str, Callable[[Places], Iterator[str]]] = {
    "firefox": _of_firefox,
    "chromium": _of_chromium,
    "settings": _of_settings,
    "git": _of_git,
}


def addresses(kind: str, form: str, data: bytes) -> Iterator[str]:
    """https:// addresses that a setting file names, as names or values; a proxy's is none."""
    if kind == "dockerclient":
        yield from _log_ins(data)
    for entry in read_format(form, data):
        if any("proxy" in part.casefold() for part in entry.path):
            continue
        # Of git's sections those that say where repositories are.
        if kind == "git" and entry.path[0].casefold() not in ("remote", "url", "submodule"):
            continue
        for text in (*entry.path, *entry.value.split(maxsplit=50)):
            at = text.find("https://")
            if at >= 0:
                yield text[at : at + _MAX_VALUE].strip("\"'<>")


def _log_ins(data: bytes) -> Iterator[str]:
    """Of docker's config.json: names of registries, with a scheme or without; what is in them may be elsewhere."""
    try:
        found = _DOCKER.decode(data)
    except NO_JSON:
        return
    for name in islice(found.auths, MOST):
        yield f"https://{name.removeprefix('https://')}"


def read_database(path: Path, question: str) -> list[str]:
    """The first column of what a browser's database answers; nothing where it is no such database."""
    log = path.with_name(f"{path.name}-wal")
    size, more = _size(path), _size(log)
    if size is None or size > _MAX_DATABASE:
        return []
    if not more or size + more > _MAX_COPY:
        return _answers(f"file:{quote(str(path))}?mode=ro&immutable=1", question)
    with tempfile.TemporaryDirectory(prefix="tlsight-") as folder:
        copy = Path(folder, "database")
        try:
            shutil.copyfile(path, copy)
            shutil.copyfile(log, copy.with_name("database-wal"))
        except OSError:
            return []
        return _answers(f"file:{quote(str(copy))}", question)


def _answers(address: str, question: str) -> list[str]:
    rows: list[str] = []
    try:
        with closing(sqlite3.connect(address, uri=True)) as opened:
            opened.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
            opened.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            steps = iter(range(_MAX_STEPS // 1000))
            opened.set_progress_handler(lambda: next(steps, None) is None, 1000)
            for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
                opened.execute(f"PRAGMA {pragma}")
            for (value,) in islice(opened.execute(question), _MAX_ROWS):
                if isinstance(value, str):
                    rows.append(value)
    except (sqlite3.Error, OverflowError, UnicodeError):
        return rows
    return rows


def _size(path: Path) -> int | None:
    """Bytes of a file of ours; None where it is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) and is_ours(found.st_uid) else None


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, _MAX_FILE)
    except (OSError, ValueError):
        return b""
