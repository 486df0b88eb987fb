"""What was looked at, as values."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Library(msgspec.Struct, frozen=True):
    """A library that tlsight needs: what it demands, and what is installed; empty where none is."""

    name: str
    least: str
    found: str


class ProgramFacts(msgspec.Struct, frozen=True):
    """Versions.

    Attributes:
        libraries: those that are needed; empty where tlsight was not installed as a distribution.
        missing: modules of each extra that are not installed, by extra.
        tls13: whether this Python's OpenSSL speaks TLS 1.3.

    """

    tlsight: str
    python: str
    executable: str
    openssl: str
    tls13: bool
    libraries: tuple[Library, ...]
    missing: dict[str, tuple[str, ...]]


class TableFacts(msgspec.Struct, frozen=True):
    """Published lists.

    Attributes:
        logs_at: time of the list of CT logs in force; None where it is unknown.
        fetched: when each list was last asked for, by name; None of one that never was.
        stale: what is older than it may be, or damaged, a line each.

    """

    logs_at: datetime | None
    fetched: dict[str, datetime | None]
    stale: tuple[str, ...]


class SettingFacts(msgspec.Struct, frozen=True):
    """A file of settings: whether it is there, and what is wrong with it."""

    path: str
    exists: bool
    trouble: str = ""
    remedy: str = ""


class StoreFacts(msgspec.Struct, frozen=True):
    """A database of tlsight's own.

    Attributes:
        size: bytes.
        mode: permission bits; None where the system has none.
        trouble: why it cannot be used; empty where it can.

    """

    path: str
    size: int
    mode: int | None
    trouble: str = ""
    remedy: str = ""


class FolderFacts(msgspec.Struct, frozen=True):
    """Where state is kept: what is wrong with the folder, and how many bytes are free where it is."""

    path: str
    exists: bool
    trouble: str
    free: int | None
    stores: tuple[StoreFacts, ...]


class TrustFacts(msgspec.Struct, frozen=True):
    """Roots: how many certifi has and which version of it, how many the system's store has, and variables that
    name files of roots which are not there.
    """

    public: int
    source: str
    local: int
    local_source: str
    dangling: tuple[tuple[str, str], ...]


class CaptureFacts(msgspec.Struct, frozen=True):
    """Who would capture, and whether this process may see packets (Linux: CAP_NET_RAW)."""

    program: str
    may: bool | None


class AgentFacts(msgspec.Struct, frozen=True):
    """The agent of this machine.

    Attributes:
        state: its folder; empty where there is no state.
        unit: the file of a service that would start it; empty where none is installed.
        trouble: why its state cannot be read.
        sinks: troubles of sinks, by name.

    """

    state: str
    unit: str
    running: bool
    last_run: datetime | None
    trouble: str
    sinks: tuple[tuple[str, str], ...]


class ProxyFacts(msgspec.Struct, frozen=True):
    """A proxy, without its login: who names it, whether tlsight goes by it, why it cannot be used and what then.

    `url` is empty where what names it cannot be understood, or goes straight. `verb` is the only one that goes by it,
    as its settings say; empty where all do.
    """

    url: str
    named_by: str
    used: bool
    trouble: str = ""
    asked: bool = False
    remedy: str = ""
    verb: str = ""


class NetworkFacts(msgspec.Struct, frozen=True):
    """What asking gave.

    Attributes:
        resolvers: addresses of who resolves names.
        resolved: names that were asked, each with its number of addresses or the reason for none.
        way: open, captive, offline or unknown, as over plain HTTP; empty where it was not asked.
        ipv6: whether this machine has a way to IPv6 addresses.
        dates: what the answers say what time it is, by who says so, and when each came by this machine's clock.

    """

    resolvers: tuple[str, ...]
    resolved: tuple[tuple[str, int, str], ...]
    way: str
    ipv6: bool
    dates: tuple[tuple[str, datetime, datetime], ...]
    through: str = ""
