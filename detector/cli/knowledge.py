"""What verdicts are compared with, as options of every verb that judges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from detector.cli.ending import say
from detector.cli.groups import words_of
from detector.cli.options import Option
from detector.errors import StoreError

if TYPE_CHECKING:
    from detector.knowledge.ct_store import CtStore
    from detector.knowledge.history import History
    from detector.knowledge.installed import InstalledLists
    from detector.known.knowledge import Knowledge, Pin
    from detector.runs.memory import Memory

_PANEL = "What to compare with"

Roots = Annotated[
    Path | None,
    Option(
        help="PEM file of roots to call public, instead of certifi's. Makes it a lab: special-use"
        " names and private addresses then count as public. Your own CA's root stays a private one.",
        envvar="TLSIGHT_ROOTS",
        panel=_PANEL,
    ),
]
CtLogs = Annotated[
    Path | None,
    Option(
        "--ct-logs",
        help="More CT logs: a file like Google's log_list.json.",
        envvar="TLSIGHT_CT_LOGS",
        panel=_PANEL,
    ),
]
PolicyFile = Annotated[
    Path | None,
    Option(
        "--policy",
        help="TOML file: internal names, expected private CAs, sanctioned interceptors.",
        envvar="TLSIGHT_POLICY",
        panel=_PANEL,
    ),
]
Lists = Annotated[
    Path | None,
    Option(
        "--lists",
        metavar="DIR",
        help="Folder of the lists that tlsight update installed.",
        envvar="TLSIGHT_LISTS",
        panel=_PANEL,
    ),
]
Store = Annotated[
    Path | None,
    Option(
        "--store", help="Database of what was looked up.", envvar="TLSIGHT_STORE",
        panel=_PANEL,
    ),
]  # fmt: skip
NoStore = Annotated[
    bool,
    Option("--no-store", help="Do not read what was looked up.", panel=_PANEL),
]

HistoryFile = Annotated[
    Path | None,
    Option("--history", help="Database of earlier runs.", envvar="TLSIGHT_HISTORY", panel=_PANEL),
]


class ProofOptions(msgspec.Struct, frozen=True):
    """What proves who answers: roots, logs, and what was looked up."""

    roots: Roots = None
    ct_logs: CtLogs = None
    store: Store = None
    no_store: NoStore = False

    @contextmanager
    def opened(
        self, *, to_write: bool = False, words: tuple[str, ...] = ()
    ) -> Iterator[OpenedKnowledge]:
        """Everything that the options name. Raises ConfigError, StoreError.

        `to_write` opens the store for writing, and makes it where there is none. `words` are the run's other options,
        for advice that repeats the question.
        """
        store = kept_store(self.store, no_store=self.no_store, to_write=to_write)
        from dataclasses import replace

        try:
            yield OpenedKnowledge(
                replace(self._knowledge(store), words=(*words, *self.words())), store
            )
        finally:
            close_store(store)

    def words(self) -> tuple[str, ...]:
        """The options again, for a command to repeat."""
        return words_of(self)

    def _knowledge(self, store: CtStore | None) -> Knowledge:
        from detector.knowledge.assemble import assemble

        return assemble(roots=self.roots, ct_logs=self.ct_logs, store=store)


class KnowledgeOptions(ProofOptions, frozen=True):
    """What to compare with."""

    issuers: Annotated[
        Path | None,
        Option(
            help="TOML file of the issuers that Certificate Transparency knows for hosts.",
            envvar="TLSIGHT_ISSUERS",
            panel=_PANEL,
        ),
    ] = None
    pin: Annotated[
        list[str] | None,
        Option(
            "--pin",
            metavar="HOST=sha256//BASE64",
            help="A key that must be on the path of HOST, or HOST:PORT; may be repeated.",
            panel=_PANEL,
        ),
    ] = None
    pins: Annotated[
        Path | None,
        Option("--pins", help="TOML file of pins.", envvar="TLSIGHT_PINS", panel=_PANEL),
    ] = None
    policy: PolicyFile = None
    no_local_roots: Annotated[
        bool,
        Option(
            "--no-local-roots",
            help="Do not ask the operating system's trust store.",
            panel=_PANEL,
        ),
    ] = False
    lists: Lists = None

    def _knowledge(self, store: CtStore | None) -> Knowledge:
        from detector.knowledge.assemble import assemble

        # The lists' module is imported only where there are lists.
        installed = installed_lists(self.lists) if lists_folder(self.lists).exists() else None
        found = assemble(
            roots=self.roots,
            ct_logs=self.ct_logs,
            pins=_parse_pins(self.pin),
            pin_file=self.pins,
            policy=self.policy,
            issuers=self.issuers,
            store=store,
            lists=installed,
            local=not self.no_local_roots,
        )
        for trouble in installed.troubles if installed else ():
            _warn(str(trouble))
        return found


class OpenedKnowledge(msgspec.Struct, frozen=True):
    """Knowledge, and the store that is part of it, where there is one."""

    knowledge: Knowledge
    store: CtStore | None


class HistoryOptions(msgspec.Struct, frozen=True):
    """What earlier runs saw."""

    history: HistoryFile = None
    no_history: Annotated[
        bool,
        Option("--no-history", help="Neither read nor write earlier runs.", panel=_PANEL),
    ] = False

    def words(self) -> tuple[str, ...]:
        """The options again, for a command to repeat."""
        return words_of(self)

    @contextmanager
    def opened(self, *, read_only: bool = False) -> Iterator[Memory]:
        """The memory of earlier runs; one that cannot be used is told and done without."""
        from detector.runs.memory import Memory

        missing = read_only and self.history is None and not history_path(None).exists()
        history = None if self.no_history or missing else self._open()
        memory = Memory(history, _warn, read_only=read_only)
        try:
            yield memory
        finally:
            memory.close()

    def _open(self) -> History | None:
        from detector import clock
        from detector.knowledge.history import History

        try:
            return History(history_path(self.history), clock.now)
        except StoreError as error:
            _warn(str(error))
            return None


def installed_lists(folder: Path | None) -> InstalledLists:
    """The lists that were installed; none need be there."""
    from detector.knowledge.installed import InstalledLists

    return InstalledLists(lists_folder(folder))


def lists_folder(folder: Path | None) -> Path:
    import os

    from detector.knowledge.folders import state_folder

    return folder or state_folder(os.environ) / "lists"


def open_store(path: Path | None, *, read_only: bool = False) -> CtStore:
    """Raises StoreError."""
    import os

    from detector.knowledge.ct_store import CtStore, default_path

    return CtStore(path or default_path(os.environ), read_only=read_only)


def kept_store(path: Path | None, *, no_store: bool, to_write: bool = False) -> CtStore | None:
    """The store for a judge; None when there is none.

    One that was asked for by name must be usable, else StoreError is raised; the default one only
    warns.
    """
    import os

    from detector.knowledge.folders import state_folder

    if no_store:
        return None
    try:
        # The store's module is imported only where there is a store.
        default = state_folder(os.environ) / "ct.sqlite3"
        if to_write or path is not None or default.exists():
            return open_store(path, read_only=not to_write)
    except StoreError as error:
        if path is not None:
            raise
        _warn(str(error))
    return None


def close_store(store: CtStore | None) -> None:
    """Tell what went wrong with it meanwhile, and close it."""
    if store is None:
        return
    if store.trouble is not None:
        _warn(str(store.trouble))
    store.close()


def history_path(given: Path | None) -> Path:
    """The file of --history, else the user's."""
    import os

    from detector.knowledge.history import default_path

    return given or default_path(os.environ)


def _parse_pins(texts: list[str] | None) -> list[Pin]:
    """The values of --pin. Raises ConfigError."""
    if not texts:
        return []
    from detector.knowledge.pins import parse_pin

    return [parse_pin(text) for text in texts]


def _warn(text: str) -> None:
    say(text)
