"""Several gateways in the store: at a gateway what it took and still has to tell, at the centre what it was told.

Rules
-----
1. A list is taken in one transaction: the rules, what the centre said, the serial, and the entry in the trail.
2. Batches are made in one transaction with the mark of how far the traffic was read; a batch stays until it is known
   to be taken.
3. At the centre a batch and the note that it was taken are one transaction: it counts once, whenever the process dies.
4. The numbers of a gateway and of the centre are no decisions and are not in the trail.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import msgspec

from addons.bypass.attempt import Attempt
from addons.bypass.change import Change, parts_of_change
from addons.bypass.ledger import Placed
from addons.bypass.rule import RuleRow
from addons.store.joined import Joined, Known
from addons.store.tables import make
from addons.store.traffic import Passage, Traffic
from detector.errors import StoreError
from detector.model.no_json import NO_JSON

# Name of the setting that holds a `Joined`.
JOINED = "sync"
# Rows of passages looked at in one reading; what is beyond waits for the next.
_PASSAGES = 4000


class Said(Protocol):
    """A rule of the centre's, the gateway's own that was put aside for it, and whether it counts."""

    @property
    def said(self) -> Placed: ...
    @property
    def aside(self) -> Placed | None: ...
    @property
    def counts(self) -> bool: ...


class Changing(Protocol):
    """As BypassStore has it: one transaction of a change and its entries."""

    def __call__(
        self, action: str, subject: str, *, parts: Iterable[object], rules: bool
    ) -> AbstractContextManager[None]: ...


class Gateways:
    """Part of a BypassStore.

    Args:
        db: its connection.
        failing: turns sqlite3's errors into the store's.
        writing: a transaction.
        changing: one with its entries.
        traffic: of the same store.

    """

    def __init__(
        self,
        db: sqlite3.Connection,
        failing: Callable[[], AbstractContextManager[None]],
        writing: Callable[[], AbstractContextManager[None]],
        changing: Changing,
        traffic: Traffic,
    ) -> None:
        self._db = db
        self._failing = failing
        self._writing = writing
        self._changing = changing
        self._traffic = traffic

    # At a gateway.

    def joined(self) -> Joined | None:
        """What is known of the centre; None where this machine is no gateway."""
        with self._failing():
            query = "SELECT value FROM setting WHERE name = ?"
            found = self._db.execute(query, (JOINED,)).fetchone()
        return _decoded(found[0], Joined) if found is not None else None

    def join(self, joined: Joined) -> None:
        """Keep what is known of the centre."""
        with self._writing():
            self._keep(joined)

    def central(self) -> dict[str, tuple[Placed, Placed | None, bool]]:
        """By pattern: what the centre says, the gateway's own rule that was put aside for it, and whether it counts."""
        with self._failing():
            rows = self._db.execute("SELECT pattern, said, aside, counts FROM central").fetchall()
        decoder = msgspec.json.Decoder(Placed)
        try:
            return {
                pattern: (
                    decoder.decode(said),
                    None if aside is None else decoder.decode(aside),
                    bool(counts),
                )
                for pattern, said, aside, counts in rows
            }
        except (*NO_JSON, ValueError) as error:
            raise StoreError(
                "bypass store", f"the centre's list in it is malformed: {error}"
            ) from None

    def take_list(
        self,
        joined: Joined,
        changes: Sequence[Change],
        before: Mapping[str, tuple[Placed, Placed | None, bool]],
        central: Mapping[str, Said],
    ) -> None:
        """Put a list in force: what it changes, and all that the centre says by now.

        Raises StaleError where somebody decided on one of the rules meanwhile.
        """
        about = {"serial": joined.serial, "digest": joined.digest, "key": joined.key}
        parts = parts_of_change(changes, about, {})
        with self._changing("sync", f"list {joined.serial}", parts=parts, rules=bool(changes)):
            make(self._db, changes)
            dropped = ((pattern,) for pattern in before if pattern not in central)
            self._db.executemany("DELETE FROM central WHERE pattern = ?", dropped)
            self._db.executemany(
                "REPLACE INTO central (pattern, said, aside, counts) VALUES (?, ?, ?, ?)",
                (
                    (
                        pattern,
                        _json(one.said),
                        None if one.aside is None else _json(one.aside),
                        one.counts,
                    )
                    for pattern, one in central.items()
                    if before.get(pattern) != (one.said, one.aside, one.counts)
                ),
            )
            self._keep(joined)

    def leave(self, joined: Joined, why: str, changes: Sequence[Change]) -> None:
        """Be a gateway no more. What waits to be told is dropped. Raises StaleError as `take_list`."""
        parts = parts_of_change(changes, {"serial": joined.serial, "why": why}, {})
        with self._changing("leave", f"list {joined.serial}", parts=parts, rules=bool(changes)):
            make(self._db, changes)
            for table in ("central", "outgoing", "passage_told"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 (literals)
            self._db.execute("DELETE FROM setting WHERE name = ?", (JOINED,))

    def gather(
        self,
        make: Callable[[Sequence[Attempt], Sequence[Passage]], Iterable[bytes]],
        most: int,
        waiting: int,
    ) -> None:
        """Make batches of what came up since, and let the oldest give way beyond `waiting`.

        Args:
            make: batches' contents.
            most: attempts that are read at most, the latest ones.
            waiting: batches that are kept at most.

        """
        with self._writing():
            joined = self.joined()
            assert joined is not None
            attempts, cursor, lost = self._fresh_attempts(joined.cursor, most)
            passages = self._fresh_passages()
            number = joined.next
            for number, content in enumerate(make(attempts, passages), joined.next):
                query = "INSERT INTO outgoing (number, blob) VALUES (?, ?)"
                self._db.execute(query, (number, content))
            if attempts or passages:
                number += 1
            query = "SELECT number, blob FROM outgoing ORDER BY number DESC LIMIT -1 OFFSET ?"
            for old, content in self._db.execute(query, (waiting,)).fetchall():
                lost += _size(content)
                self._db.execute("DELETE FROM outgoing WHERE number = ?", (old,))
            changed = msgspec.structs.replace(
                joined, next=number, cursor=cursor, lost=joined.lost + lost
            )
            if changed != joined:
                self._keep(changed)

    def outgoing(self, most: int) -> list[tuple[int, bytes]]:
        """The oldest batches that wait, by number."""
        with self._failing():
            query = "SELECT number, blob FROM outgoing ORDER BY number LIMIT ?"
            return self._db.execute(query, (most,)).fetchall()

    def waiting(self) -> tuple[int, int | None]:
        """How many batches wait, and the number of the oldest."""
        with self._failing():
            count, first = self._db.execute("SELECT count(*), min(number) FROM outgoing").fetchone()
        return count, first

    def acknowledge(self, taken: int) -> None:
        """The centre has all batches up to this one.

        It may know of more than were ever made here, where this store is a fresh one: then those that wait get
        numbers behind.
        """
        with self._writing():
            joined = self.joined()
            assert joined is not None
            if taken < joined.next:
                self._db.execute("DELETE FROM outgoing WHERE number <= ?", (taken,))
                return
            rows = self._db.execute("SELECT blob FROM outgoing ORDER BY number").fetchall()
            self._db.execute("DELETE FROM outgoing")
            numbered = ((number, blob) for number, (blob,) in enumerate(rows, taken + 1))
            self._db.executemany("INSERT INTO outgoing (number, blob) VALUES (?, ?)", numbered)
            self._keep(msgspec.structs.replace(joined, next=taken + 1 + len(rows)))

    # At the centre.

    def known(self) -> dict[str, Known]:
        """By name: every gateway that was ever heard of."""
        with self._failing():
            there = "SELECT 1 FROM sqlite_schema WHERE name = 'gateway'"
            if self._db.execute(there).fetchone() is None:
                return {}
            rows = self._db.execute("SELECT id, body FROM gateway ORDER BY id").fetchall()
        return {name: _decoded(body, Known) for name, body in rows}

    def know(self, one: Known) -> None:
        """Keep what is known of a gateway."""
        with self._writing():
            self._know(one)

    def forget(self, name: str) -> None:
        """A gateway that is none any more."""
        with self._writing():
            self._db.execute("DELETE FROM gateway WHERE id = ?", (name,))

    def take_batch(
        self, one: Known, attempts: Sequence[Attempt], passages: Sequence[Passage]
    ) -> None:
        """Keep a batch of a gateway, and that it was taken: both or neither."""
        with self._failing(), self._db:
            # The first write opens the transaction that the traffic's own then ends.
            self._know(one)
            self._traffic.write(attempts, passages)

    def attempts_since(self, cursor: int, most: int) -> list[tuple[int, Attempt]]:
        """Attempts that were written behind one, with their places."""
        return self._attempts("id > ? ORDER BY id LIMIT ?", cursor, most)

    def advance(self, serial: int, why: str) -> None:
        """Let the list's serial be this one from now on."""
        with self._changing("advance", why, parts=[{"serial": serial}], rules=True):
            query = "UPDATE setting SET value = ? WHERE name = 'revision'"
            self._db.execute(query, (str(serial - 1),))

    # What they are made of.

    def _fresh_attempts(self, cursor: int, most: int) -> tuple[list[Attempt], int, int]:
        """What was seen since, the latest; the new cursor; and how many of them are gone already."""
        first, last = self._db.execute("SELECT min(id), max(id) FROM attempt").fetchone()
        if last is None:
            return [], 0, 0  # numbers begin anew in an empty table
        if last < cursor:
            cursor = 0  # and did so
        start = max(cursor, last - most)
        lost = max(start, first - 1) - cursor if cursor else 0
        found = self._attempts("id > ? AND id <= ? ORDER BY id LIMIT ?", start, last, most)
        return [one for _, one in found if one.via is None], last, lost

    def _fresh_passages(self) -> list[Passage]:
        """What passed since it was told last. Names that were folded away are told no more."""
        rows = self._db.execute(
            "SELECT p.day, p.host, p.rule, p.last, p.connections, p.up, p.down, p.seconds,"
            " coalesce(t.connections, 0), coalesce(t.up, 0), coalesce(t.down, 0), coalesce(t.seconds, 0)"
            " FROM passage_day AS p LEFT JOIN passage_told AS t USING (day, host, rule)"
            " WHERE p.host != '' AND (t.day IS NULL OR p.connections > t.connections OR p.up > t.up"
            " OR p.down > t.down) LIMIT ?",
            (_PASSAGES,),
        ).fetchall()
        self._db.executemany(
            "REPLACE INTO passage_told VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((day, host, rule, *now) for day, host, rule, _, *now, _, _, _, _ in rows),
        )
        gone = (
            "DELETE FROM passage_told WHERE NOT EXISTS (SELECT 1 FROM passage_day AS p WHERE p.day ="
            " passage_told.day AND p.host = passage_told.host AND p.rule = passage_told.rule)"
        )
        self._db.execute(gone)
        found: list[Passage] = []
        for _, host, rule, last, count, up, down, seconds, *told in rows:
            delta = [max(a - b, 0) for a, b in zip((count, up, down, seconds), told, strict=True)]
            at = datetime.fromisoformat(last)
            found.append(Passage(at, host, rule, delta[1], delta[2], delta[3], int(delta[0])))
        return found

    def _attempts(self, where: str, *values: int) -> list[tuple[int, Attempt]]:
        decoder = msgspec.json.Decoder(Attempt)
        found: list[tuple[int, Attempt]] = []
        with self._failing():
            query = f"SELECT id, body FROM attempt WHERE {where}"  # noqa: S608 (literals)
            for number, body in self._db.execute(query, values):
                try:
                    found.append((number, decoder.decode(body)))
                except NO_JSON as error:
                    raise sqlite3.DatabaseError(f"malformed attempt: {error}") from None
        return found

    def _keep(self, joined: Joined) -> None:
        self._db.execute("REPLACE INTO setting VALUES (?, ?)", (JOINED, _json(joined)))

    def _know(self, one: Known) -> None:
        seen = one.heard.isoformat() if one.heard is not None else ""
        query = "REPLACE INTO gateway (id, seen, body) VALUES (?, ?, ?)"
        self._db.execute(query, (one.name, seen, _json(one)))


def _size(content: bytes) -> int:
    """How many attempts and passages a batch holds."""
    found = msgspec.json.decode(content)
    return len(found["attempts"]) + len(found["passages"])


def _decoded[T](body: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except NO_JSON as error:
        raise StoreError(
            "bypass store", f"what it says of gateways is malformed: {error}"
        ) from None


def _json(value: RuleRow | msgspec.Struct | None) -> str:
    return msgspec.json.encode(value).decode()
