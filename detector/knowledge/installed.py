"""The published lists as `tlsight update` installed them, each one file, replaced whole.

A signed list is kept as it came, signature first, and verified again whenever it is read: damage on
the disk is noticed, and the shipped table is used instead.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import msgspec

from detector.bounded import read_whole
from detector.errors import ListError
from detector.knowledge.shipped import log_list_key
from detector.knowledge.whole_file import locked, write_whole
from detector.lists.ccadb import CaOwners
from detector.lists.crlset import CrlSet
from detector.lists.log_list import SIGNATURE_SIZE, ListKey, LogList, parse_list, verify_list
from detector.model.no_json import NO_JSON

_MAX_LIST = 64 << 20
LOG_LISTS = ("all_logs_list", "log_list")  # in the order in which later ones win


class Fetch(msgspec.Struct, frozen=True):
    """When a list was last asked for, and what to ask with next time."""

    at: datetime
    etag: str | None = None
    modified: str | None = None


class InstalledLists:
    """The folder of installed lists; nothing in it is needed.

    Args:
        key: who signs the lists of CT logs; the official key when left out.

    Attributes:
        troubles: what was found damaged while reading, one line each.

    """

    def __init__(self, folder: Path, key: ListKey | None = None) -> None:
        self.folder = folder
        self.key = key or log_list_key()
        self.troubles: list[str] = []

    def log_list(self, name: str) -> LogList | None:
        """One of LOG_LISTS, verified. Never raises."""
        data = self._read(f"{name}.signed")
        if data is None:
            return None
        signature, body = data[:SIGNATURE_SIZE], data[SIGNATURE_SIZE:]
        try:
            verify_list(body, signature, self.key)
            return parse_list(body)
        except ListError as error:
            self._trouble(f"{name}.signed", error.message)
            return None

    def ca_owners(self) -> CaOwners | None:
        """Owners of CA keys. Never raises."""
        return self._decoded("ccadb.json", CaOwners)

    def crl_set(self) -> CrlSet | None:
        """Keys used for interception. Never raises."""
        return self._decoded("crlset.json", CrlSet)

    def fetches(self) -> dict[str, Fetch]:
        """By list. Never raises."""
        return self._decoded("fetches.json", dict[str, Fetch]) or {}

    def save_log_list(self, name: str, body: bytes, signature: bytes) -> None:
        """The caller has verified it. Raises StoreError."""
        write_whole(self.folder / f"{name}.signed", signature + body)

    def save_ca_owners(self, owners: CaOwners) -> None:
        """Raises StoreError."""
        write_whole(self.folder / "ccadb.json", msgspec.json.encode(owners))

    def save_crl_set(self, crl_set: CrlSet) -> None:
        """Raises StoreError."""
        write_whole(self.folder / "crlset.json", msgspec.json.encode(crl_set))

    def note_fetch(self, name: str, fetch: Fetch) -> None:
        """Raises StoreError."""
        path = self.folder / "fetches.json"
        with locked(path):  # another run may note another list
            write_whole(path, msgspec.json.encode({**self.fetches(), name: fetch}))

    def changing(self) -> AbstractContextManager[None]:
        """For who compares a list with the installed one and then takes its place. Raises StoreError."""
        return locked(self.folder / "lists")

    def _decoded[T](self, name: str, kind: type[T]) -> T | None:
        data = self._read(name)
        if data is None:
            return None
        try:
            return msgspec.json.decode(data, type=kind)
        except NO_JSON as error:
            self._trouble(name, str(error))
            return None

    def _read(self, name: str) -> bytes | None:
        try:
            return read_whole(self.folder / name, _MAX_LIST)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._trouble(name, error.strerror or str(error))
            return None

    def _trouble(self, name: str, why: str) -> None:
        path = self.folder / name
        self.troubles.append(f"{path}: {why}; not used; run tlsight update")
