"""What this machine shows without being asked on the network: files, modules, processes. Each part by itself."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import ssl
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from detector import clock
from detector.doctor.extras import EXTRAS
from detector.doctor.facts import (
    AgentFacts,
    CaptureFacts,
    FolderFacts,
    Library,
    ProgramFacts,
    SettingFacts,
    StoreFacts,
    TableFacts,
    TrustFacts,
)
from detector.errors import ConfigError, StoreError, TlsightError
from detector.knowledge.database import Database
from detector.knowledge.folders import HISTORY, config_folder, state_folder
from detector.knowledge.owners import Distrusted, read_ours
from detector.version import __version__

_REQUIREMENT = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,100})(?:\[[a-z0-9,_-]{0,100}\])?([^;]{0,100})"
)
_LEAST = re.compile(r">=([0-9][0-9.]{0,30})")
_UNITS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_UNIT = "tlsight-agent.service"
_NET_RAW = 13  # linux/capability.h
_MOST_STORES = 50
_CHECKED_FOR = 2.0
_STEPS = 100_000
_ROOTS = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "TLSIGHT_ROOTS")


def look_at_program() -> ProgramFacts:
    """Versions, libraries, extras."""
    return ProgramFacts(
        tlsight=__version__,
        python=platform.python_version(),
        executable=sys.executable,
        openssl=ssl.OPENSSL_VERSION,
        tls13=ssl.HAS_TLSv1_3,
        libraries=tuple(_libraries()),
        missing={
            extra: tuple(name for name in modules if find_spec(name) is None)
            for extra, (modules, _) in EXTRAS.items()
        },
    )


def look_at_tables(folder: Path, now: datetime) -> TableFacts:
    """Published lists in this folder."""
    from detector.knowledge import shipped
    from detector.knowledge.installed import LOG_LISTS, InstalledLists
    from detector.lookup.update import FEEDS, stale_lists

    installed = InstalledLists(folder)
    ours = shipped.load_log_list(shipped.DATA / "ct_logs.json")
    lists = (*(installed.log_list(name) for name in LOG_LISTS), ours)
    fetched = installed.fetches()
    stale = tuple(dict.fromkeys(stale_lists(installed, ours, now)))
    return TableFacts(
        logs_at=max((one.timestamp for one in lists if one and one.timestamp), default=None),
        fetched={name: fetched[name].at if name in fetched else None for name in FEEDS},
        stale=stale,
    )


def look_at_settings(
    environment: Mapping[str, str], check: Callable[[], object]
) -> tuple[SettingFacts, ...]:
    """The command's settings, which `check` reads to raise ConfigError, and the agent's."""
    from detector.agent.settings import find, load
    from detector.knowledge.rows import MAX_FILE

    named = environment.get("TLSIGHT_CONFIG")
    path = Path(named) if named else config_folder(environment) / "config.toml"
    found = [SettingFacts(str(path), path.exists() or bool(named))]
    if found[0].exists:
        try:
            read_ours(path, MAX_FILE)
            check()
        except Distrusted as error:
            remedy = f"chown $USER {path} && chmod go-w {path}"
            found[0] = SettingFacts(str(path), True, f"is not used: {error}", remedy)
        except ConfigError as error:
            found[0] = SettingFacts(str(path), True, error.message, error.remedy)
        except OSError as error:
            remedy = "unset TLSIGHT_CONFIG" if named else f"ls -l {path}"
            found[0] = SettingFacts(str(path), True, error.strerror or str(error), remedy)
    agents = find(environment)
    if agents is not None:
        try:
            load(agents)
            found.append(SettingFacts(str(agents), True))
        except ConfigError as error:
            found.append(SettingFacts(str(agents), True, error.message, error.remedy))
    return tuple(found)


def look_at_stores(environment: Mapping[str, str]) -> FolderFacts:
    """The state folder and every database in it, and those that variables name."""
    folder = state_folder(environment)
    trouble, inside = "", []
    try:
        exists = folder.exists()
        if exists and not folder.is_dir():
            trouble = "is no folder"
        elif exists:
            if not os.access(folder, os.W_OK | os.X_OK):
                trouble = "cannot be written"
            inside = sorted(folder.glob("*.sqlite3"))[:_MOST_STORES]
    except OSError as error:
        exists, trouble = True, error.strerror or str(error)
    named = [
        Path(environment[name])
        for name in ("TLSIGHT_HISTORY", "TLSIGHT_STORE")
        if environment.get(name)
    ]
    paths = dict.fromkeys((*inside, *(path for path in named if path.exists())))
    return FolderFacts(
        str(folder), exists, trouble, _free(folder), tuple(_store(path) for path in paths)
    )


def look_at_trust(environment: Mapping[str, str]) -> TrustFacts:
    """Public roots, and this machine's own."""
    from detector.knowledge.roots import local_roots, public_roots

    public, local = public_roots(), local_roots()
    dangling = tuple(
        (name, environment[name])
        for name in _ROOTS
        if environment.get(name)
        and not any(map(os.path.exists, environment[name].split(os.pathsep)))
    )
    return TrustFacts(len(public), public.name, len(local), local.name, dangling)


def look_at_capture(environment: Mapping[str, str]) -> CaptureFacts:
    """Who would capture here."""
    path = environment.get("PATH", os.defpath) + os.pathsep + "/usr/sbin:/sbin"
    found = next((name for name in ("dumpcap", "tcpdump") if shutil.which(name, path=path)), "")
    may: bool | None = None
    with suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text()
        may = bool(int(status.partition("CapEff:")[2].split()[0], 16) >> _NET_RAW & 1)
    return CaptureFacts(found, may)


def look_at_agent(environment: Mapping[str, str]) -> AgentFacts:
    """The agent of this machine or user."""
    from detector.agent.status import status
    from detector.agent.store import FILE, shown_folder

    folder = shown_folder(environment)
    unit = next((f"{place}/{_UNIT}" for place in _UNITS if Path(place, _UNIT).exists()), "")
    if not (folder / FILE).exists():
        return AgentFacts("", unit, False, None, "", ())
    try:
        found = status(environment, folder, None)
    except TlsightError as error:
        return AgentFacts(str(folder), unit, False, None, error.message, ())
    sinks = tuple((one.name, one.trouble) for one in found.sinks if one.trouble)
    return AgentFacts(str(folder), unit, found.running, found.last_run, "", sinks)


def tables_made() -> datetime | None:
    """When the tables that came with this tlsight were made: no right clock is before that."""
    from detector.knowledge import shipped

    return shipped.load_log_list(shipped.DATA / "ct_logs.json").timestamp


def _libraries() -> Iterator[Library]:
    try:
        demanded = metadata.requires("tlsight") or ()
    except metadata.PackageNotFoundError:
        return
    for text in demanded:
        found = _REQUIREMENT.match(text)
        if found is None or "extra ==" in text:
            continue
        least = _LEAST.search(found[2])
        try:
            version = metadata.version(found[1])
        except metadata.PackageNotFoundError:
            version = ""
        yield Library(found[1], least[1] if least else "", version)


def _store(path: Path) -> StoreFacts:
    try:
        seen = path.stat()
    except OSError as error:
        return StoreFacts(str(path), 0, None, error.strerror or str(error), f"ls -l {path}")
    mode = stat.S_IMODE(seen.st_mode) if hasattr(os, "geteuid") else None
    if not stat.S_ISREG(seen.st_mode):
        remedy = "name another file, or see what put that there"
        return StoreFacts(str(path), 0, mode, "is no regular file", remedy)
    try:
        _open_briefly(path)
    except StoreError as error:
        return StoreFacts(str(path), seen.st_size, mode, error.message, error.remedy)
    except (sqlite3.Error, OSError) as error:
        remedy = f"move it away to begin a new one: mv {path} {path}.broken"
        return StoreFacts(str(path), seen.st_size, mode, f"is damaged: {error}", remedy)
    return StoreFacts(str(path), seen.st_size, mode)


def _open_briefly(path: Path) -> None:
    """As a run would, without a change. Raises StoreError, sqlite3.Error."""
    from detector.knowledge import ct_store, history

    if path.name == HISTORY:
        history.look(path)
    elif path.name == "ct.sqlite3":
        ct_store.look(path)
    # Of whatever version: what is asked is whether its pages are whole.
    remedy = f"restore a backup, or mv {path} {path}.broken"
    database = Database(
        path, "database", remedy, ("",) * 10_000, read_only=True, oldest=-1, brief=True
    )
    with closing(database):
        until = clock.stopwatch() + _CHECKED_FOR
        database.db.set_progress_handler(lambda: clock.stopwatch() > until, _STEPS)
        try:
            said = [str(row[0]) for row in database.db.execute("PRAGMA quick_check(1)")]
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                return  # too large to be looked at whole
            raise
    if said != ["ok"]:
        raise sqlite3.DatabaseError(said[0] if said else "no answer")


def _free(folder: Path) -> int | None:
    """Bytes, of the nearest folder above that is there."""
    for place in (folder, *folder.parents):
        with suppress(OSError):
            return shutil.disk_usage(place).free
    return None
