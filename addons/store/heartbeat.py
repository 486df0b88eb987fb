"""Which proxies read the store: each writes a row every few seconds, and who reads it sees who is alive.

A decision that no proxy hears of is worse than none: its author believes it. So the verbs and the page ask here. The
rows are no decisions and are not in the audit trail. A proxy that ends takes its row away; of one that was killed
the row grows old, FRESH seconds at most.
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from addons.bypass.beside import Beside, mitmproxys
from detector import clock
from detector.model.no_json import NO_JSON
from detector.version import __version__

EVERY, FRESH = 4.0, timedelta(seconds=12)
MAX_PASSING = 50
MAX_PROXIES, _KEPT = 64, timedelta(days=7)


class Decided(msgspec.Struct, frozen=True):
    """The last connection that a rule decided."""

    at: datetime
    host: str
    action: str
    rule: str


class Passing(msgspec.Struct, frozen=True):
    """A connection that passes now.

    Attributes:
        client: its address.
        up, down: bytes so far, from it and to it.

    """

    client: str
    host: str
    rule: str
    since: datetime
    up: int
    down: int


class PassingNow(msgspec.Struct, frozen=True):
    """Connections that pass: how many, and those of the most bytes."""

    count: int = 0
    largest: tuple[Passing, ...] = ()


class About(msgspec.Struct, frozen=True):
    """What the proxy knows of itself.

    Attributes:
        root: digest of the CA that it signs with, None where it is not known.

    """

    mitmproxy: str
    beside: Beside = Beside()
    root: str | None = None


class Root(msgspec.Struct, frozen=True):
    """The CA that a gateway signs with: its digest, since when, and the one before."""

    digest: str
    at: datetime
    before: str | None = None


class Heartbeat(msgspec.Struct, frozen=True):
    """One proxy that reads the store, as it says itself.

    Attributes:
        rules: how many rules it has in force, those of `rules_file` too.
        mode: of the addon; mitmproxy's own are in `beside.ways`.
        passing: what passes by it now.
        root: digest of the CA that it signs with.

    """

    id: str
    host: str
    pid: int
    tlsight: str
    mitmproxy: str
    mode: str
    rules: int
    rules_file: str | None
    started: datetime
    seen: datetime
    last: Decided | None = None
    beside: Beside = Beside()
    passing: PassingNow = PassingNow()
    root: str | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Also where somebody has set the clock back."""
        return abs(now - self.seen) <= FRESH

    def __str__(self) -> str:
        return (
            f"mitmproxy {self.mitmproxy} with tlsight {self.tlsight}, pid {self.pid} on {self.host}"
        )


class Heartbeats:
    """Part of a BypassStore; `failing` turns sqlite3's errors into the store's."""

    def __init__(
        self, db: sqlite3.Connection, failing: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._db = db
        self._failing = failing

    def write(self, one: Heartbeat) -> None:
        """Say that it is alive; those that are long gone leave."""
        with self._failing(), self._db:
            values = (one.id, one.seen.isoformat(), msgspec.json.encode(one).decode())
            self._db.execute("REPLACE INTO proxy (id, seen, body) VALUES (?, ?, ?)", values)
            oldest = (one.seen - _KEPT).isoformat()
            query = (
                "DELETE FROM proxy WHERE seen < ?"
                " OR id NOT IN (SELECT id FROM proxy ORDER BY seen DESC LIMIT ?)"
            )
            self._db.execute(query, (oldest, MAX_PROXIES))

    def sign_with(self, host: str, root: str, since: datetime, now: datetime) -> bool | None:
        """A proxy of a gateway signs with this CA; whether that is another one than its proxies signed with before.

        None where one of them that is alive signs with the one of before: two proxies stand side by side, and nothing
        changed; or that one was killed a moment ago.
        """
        before = self.roots()
        known = before.get(host)
        if known is not None and known.digest == root:
            return False
        if known is not None and any(
            one.host == host and one.root == known.digest for one in self.alive(now)
        ):
            return None
        roots = {**before, host: Root(root, since, known.digest if known is not None else None)}
        latest = sorted(roots.items(), key=lambda one: one[1].at)[-MAX_PROXIES:]
        with self._failing(), self._db:
            text = msgspec.json.encode(dict(latest)).decode()
            self._db.execute("REPLACE INTO setting VALUES ('roots', ?)", (text,))
        return known is not None

    def roots(self) -> dict[str, Root]:
        """By the gateway's host, the CA that its proxies sign with."""
        with self._failing():
            row = self._db.execute("SELECT value FROM setting WHERE name = 'roots'").fetchone()
        try:
            return msgspec.json.decode(row[0], type=dict[str, Root]) if row is not None else {}
        except NO_JSON:
            return {}  # of a version to come

    def remove(self, name: str) -> None:
        """It has ended."""
        with self._failing(), self._db:
            self._db.execute("DELETE FROM proxy WHERE id = ?", (name,))

    def all(self) -> list[Heartbeat]:
        """All that are known, the latest first; none in a store of old, and none that cannot be read."""
        with self._failing():
            there = "SELECT 1 FROM sqlite_schema WHERE name = 'proxy'"
            if self._db.execute(there).fetchone() is None:
                return []
            query = "SELECT body FROM proxy ORDER BY seen DESC LIMIT ?"
            rows = self._db.execute(query, (MAX_PROXIES,)).fetchall()
        found: list[Heartbeat] = []
        for (body,) in rows:
            try:
                found.append(msgspec.json.decode(body, type=Heartbeat))
            except NO_JSON:
                continue  # of a version to come: the next beat of ours does not mend it
        return found

    def alive(self, now: datetime) -> list[Heartbeat]:
        """Those that read the store now."""
        return [one for one in self.all() if one.is_fresh(now)]

    def own(self, names: list[str], port: int, now: datetime) -> list[str]:
        """What those that are alive do by options of mitmproxy to what the rules leave to it."""
        told = ((one, mitmproxys(one.beside, names, port)) for one in self.alive(now))
        return [f"{text} (pid {one.pid} on {one.host})" for one, text in told if text is not None]


class HasHeartbeats(Protocol):
    """A BypassStore."""

    proxies: Heartbeats


class Heart:
    """Of one process. `about` is set by the addon; without it there is no proxy, and nothing is written."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.about: About | None = None
        self.passing = PassingNow()
        self._last: Decided | None = None
        self._now = now
        self._id = secrets.token_hex(8)
        self._started = now()
        self._told: tuple[object, ...] = ()
        self._next = 0.0

    def decide(self, host: str, action: str, rule: str) -> None:
        """A rule has decided about a connection; never waits."""
        self._last = Decided(self._now(), host[:255], action, rule)

    def mitmproxys(self, host: str, port: int) -> list[str]:
        """What this proxy's own options do to a host that the rules leave to it: a line, or none."""
        told = mitmproxys(self.about.beside, [host], port) if self.about is not None else None
        return [told] if told is not None else []

    def beat(self, store: HasHeartbeats, mode: str, rules_file: str | None, rules: int) -> None:
        """Write a row where it is time for one, or something changed. Raises StoreError."""
        about, tick = self.about, clock.stopwatch()
        told = (id(store), about, mode, rules_file, rules)
        if about is None or (tick < self._next and told == self._told):
            return
        row = Heartbeat(
            self._id, socket.gethostname()[:255], os.getpid(), __version__, about.mitmproxy, mode,
            rules, rules_file, self._started, self._now(), self._last, about.beside,
            self.passing, about.root,
        )  # fmt: skip
        store.proxies.write(row)
        self._told, self._next = told, tick + EVERY

    def stop(self, store: HasHeartbeats) -> None:
        """Take the row away. Raises StoreError."""
        if self.about is not None:
            store.proxies.remove(self._id)
