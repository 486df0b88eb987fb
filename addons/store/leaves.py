"""Leaves that servers showed, by the names on them: at most MAX_LEAVES, the one that was seen last stays longest."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec

from addons.bypass.coverage import Leaf
from detector.model.no_json import NO_JSON

MAX_LEAVES = 5000


class Leaves:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def write(self, leaves: Sequence[Leaf], most: int = MAX_LEAVES) -> None:
        """Keep them, whole or not at all; the oldest of too many go."""
        if not leaves:
            return
        rows = [
            (one.digest, one.at.isoformat(), one.host, one.address, one.port,
             msgspec.json.encode(one.names).decode())
            for one in leaves
        ]  # fmt: skip
        with self._failing(), self._db:
            self._db.executemany("REPLACE INTO leaf VALUES (?, ?, ?, ?, ?, ?)", rows)
            query = "DELETE FROM leaf WHERE digest IN (SELECT digest FROM leaf ORDER BY at DESC LIMIT -1 OFFSET ?)"
            self._db.execute(query, (most,))

    def all(self) -> list[Leaf]:
        """The latest first; none of a store of old that is read as it is."""
        query = "SELECT at, host, address, port, names FROM leaf ORDER BY at DESC"
        decoder = msgspec.json.Decoder(tuple[str, ...])
        with self._failing():
            there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'leaf'"
            if self._db.execute(there).fetchone() is None:
                return []
            try:
                return [
                    Leaf(datetime.fromisoformat(at), host, address, port, decoder.decode(names))
                    for at, host, address, port, names in self._db.execute(query)
                ]
            except (*NO_JSON, ValueError) as error:
                raise sqlite3.DatabaseError(f"malformed leaf: {error}") from None
