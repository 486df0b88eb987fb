"""The open bypass store: its file, its tables, and one transaction for a change and its entry in the trail."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Self

import msgspec

from addons.bypass.ledger import Placed
from addons.bypass.verification import Evidence, verified
from addons.store.actor import actor
from addons.store.episode_table import Episodes
from addons.store.feeds import Feeds
from addons.store.gateways import Gateways
from addons.store.heartbeat import Heartbeats
from addons.store.hours import Hours
from addons.store.leaves import Leaves
from addons.store.listing import Listing
from addons.store.passed import Passed
from addons.store.past import Past
from addons.store.rechecks import Rechecks
from addons.store.reminding import Reminded
from addons.store.schema import MIGRATIONS, OLDEST_READABLE
from addons.store.seal import seal_of
from addons.store.syslog import syslog_of
from addons.store.tables import parts_of, table_of
from addons.store.traffic import Traffic
from addons.store.trail import Trail
from addons.store.unbound import UnboundTable
from detector.errors import ConfigError, StoreError
from detector.knowledge.database import Database

_RESTORE = "tlsight bypass audit verify says what was changed"


class Opened:
    """For one thread. Raises StoreError for whatever stops it from being used.

    Args:
        path: made when missing, unless `read_only`.
        now: the clock.
        by: who decides, for the audit trail.
        read_only: for a moment, and without writing anything anywhere.
        or_empty: with `read_only`, a file that is not there is an empty one.
        environment: says where the key and the syslog are, and who sudo says it was.
        login: how a page's user got in.

    Attributes:
        by: who decides.
        trail: who decided what.
        traffic: attempts and passages.
        unbound: names asked for where they are not.
        proxies: which of them read it.
        leaves: names that share a certificate.
        gateways: what they took, and what the centre was told.
        passed: what passed, by host.
        past: what the trail says about a rule or a host.
        listing: rules looked up without reading all of them.
        reminded: ends of rules that were told.
        rechecks: what was found of each rule when it was last looked at.
        feeds: lists that somebody else keeps.
        hours: attempts by hour and client, and what was changed.
        episodes: what breaks.

    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], datetime],
        by: str = "tlsight",
        *,
        read_only: bool = False,
        or_empty: bool = False,
        environment: Mapping[str, str] = os.environ,
        login: str | None = None,
    ) -> None:
        self.path = path
        self.by = by
        self._now = now
        syslog = syslog_of(environment)
        self._file = Database(
            path,
            "bypass store",
            "name another one with --store FILE",
            MIGRATIONS,
            read_only=read_only,
            oldest=OLDEST_READABLE,
            brief=read_only,
            or_empty=or_empty,
        )
        self._db = self._file.db
        self.hours = Hours(self._db, self._failing)
        self.episodes = Episodes(self._db, self._failing)
        self.traffic = Traffic(self._db, self._failing, self.hours)
        self.unbound = UnboundTable(self._db, self._failing)
        self.proxies = Heartbeats(self._db, self._failing)
        self.leaves = Leaves(self._db, self._failing)
        self.gateways = Gateways(
            self._db, self._failing, self._writing, self._changing, self.traffic
        )
        self.passed = Passed(self._db, self._failing)
        self.past = Past(self._db, self._failing)
        self.listing = Listing(self._db, self._failing, now)
        self.reminded = Reminded(self._db, self._failing)
        self.rechecks = Rechecks(self._db, self._failing)
        self.feeds = Feeds(self._db, self._failing, self._writing, self._changing, now)
        who = msgspec.json.encode(actor(environment, login)).decode()
        seal = seal_of(path, environment)
        self.trail = Trail(path, self._db, self._failing, seal, syslog, now, by, who)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def revision(self) -> int:
        """Counts the changes of rules."""
        return int(self._one("SELECT value FROM setting WHERE name = 'revision'"))

    def tables(self) -> tuple[dict[str, Placed | None], dict[str, str]]:
        """The rules by pattern, None where a row says something else; the candidates' states."""
        rows = self._all("SELECT pattern, row, state, until FROM rule")
        return table_of(rows), dict(self._all("SELECT host, state FROM candidate"))

    @contextmanager
    def _changing(
        self,
        action: str,
        subject: str,
        *details: object,
        parts: Iterable[object] = (),
        rules: bool = True,
    ) -> Generator[None]:
        """One transaction of a change and its entries. Raises ConfigError for text that is no Unicode."""
        try:
            with self._writing():
                if self.trail.is_unsigned():
                    self._adopt()
                yield
                for one in chain(details, parts):
                    self.trail.enter(action, subject, one)
                if rules:
                    query = "UPDATE setting SET value = value + 1 WHERE name = 'revision'"
                    self._db.execute(query)
        except UnicodeEncodeError:  # bytes of a command line that are no UTF-8
            raise ConfigError(action, "what is said of it is no UTF-8") from None
        self.trail.publish()

    def _adopt(self) -> None:
        """Sign a trail of old with all that it leads to; one that is not whole a person has to accept."""
        rules, candidates = self.tables()
        feeds = self.feeds.states()
        known = Evidence(rules, candidates, feeds=feeds)
        if not verified(list(self.trail.entries()), known, self._now()).faults:
            for details in parts_of(rules, candidates, feeds):
                self.trail.enter("adopt", "the trail so far", details)

    @contextmanager
    def _writing(self) -> Generator[None]:
        with self._failing():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self.trail.forget()
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._failing():
            return self._db.execute(query, values).fetchall()

    def _one(self, query: str, *values: object) -> Any:
        return self._all(query, *values)[0][0]

    @contextmanager
    def _failing(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._file.failure(error) from None


def as_json(value: object) -> str:
    """As a column keeps it."""
    return msgspec.json.encode(value).decode()


def as_text(moment: datetime) -> str:
    """As a column keeps it."""
    return moment.isoformat()


def as_moment(text: str | None) -> datetime | None:
    """What a column says. Raises StoreError for what no version wrote."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        found = None
    if text and (found is None or found.tzinfo is None):
        raise StoreError("bypass store", f"malformed: {text!r} is no moment", remedy=_RESTORE)
    return found
