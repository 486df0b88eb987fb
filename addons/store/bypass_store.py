"""Rules, candidates and decisions in SQLite; every change of them is in the audit trail, with all that was decided.

A change and its entry are one transaction: neither is there without the other. `revision` counts the changes
of rules, so that a running proxy knows when to read them again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import batched, chain
from pathlib import Path
from typing import Any, Self

import msgspec

from addons.bypass.audit import AuditEntry
from addons.bypass.learning import Candidate
from addons.bypass.ledger import Placed
from addons.bypass.rule import Rule, RuleRow, kept_rule, rule_of, settled
from addons.bypass.verification import Evidence, verified
from addons.store.actor import actor
from addons.store.heartbeat import Heartbeats
from addons.store.leaves import Leaves
from addons.store.listing import Listing
from addons.store.past import Past
from addons.store.schema import MIGRATIONS, OLDEST_READABLE
from addons.store.seal import seal_of
from addons.store.stored import CandidateState, StoredCandidate, StoredRule
from addons.store.syslog import syslog_of
from addons.store.tables import PART, lean, parts_of, table_of
from addons.store.traffic import Traffic
from addons.store.trail import Trail
from addons.store.unbound import UnboundTable
from detector.errors import ConfigError, StoreError, TargetError
from detector.knowledge.database import Database
from detector.model.no_json import NO_JSON


class BypassStore:
    """The open store, for one thread. Raises StoreError for whatever stops it from being used.

    Args:
        path: made when missing, unless `read_only`.
        now: the clock.
        by: who decides, for the audit trail.
        read_only: for a moment, and without writing anything anywhere.
        or_empty: with `read_only`, a file that is not there is an empty one.
        environment: says where the key and the syslog are, and who sudo says it was.

    Attributes:
        trail: who decided what.
        traffic: attempts and passages.
        unbound: names asked for where they are not.
        proxies: which of them read it.
        leaves: names that share a certificate.
        past: what the trail says about a rule or a host.
        listing: rules looked up without reading all of them.

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
    ) -> None:
        self.path = path
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
        self.traffic = Traffic(self._db, self._failing)
        self.unbound = UnboundTable(self._db, self._failing)
        self.proxies = Heartbeats(self._db, self._failing)
        self.leaves = Leaves(self._db, self._failing)
        self.past = Past(self._db, self._failing)
        self.listing = Listing(self._db, self._failing, now)
        who = msgspec.json.encode(actor(environment)).decode()
        seal = seal_of(path, environment)
        self.trail = Trail(path, self._db, self._failing, seal, syslog, now, by, who)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    # Rules.

    def revision(self) -> int:
        """Counts the changes of rules."""
        return int(self._one("SELECT value FROM setting WHERE name = 'revision'"))

    def rules(self, *, drafts: bool = False) -> list[StoredRule]:
        """Every rule that is there, also one whose regex is not in force; trials that are over are not.

        `drafts` are none of them, unless they are asked for.
        """
        now = self._now()
        query = "SELECT id, row, state, until FROM rule ORDER BY id"
        decoder = msgspec.json.Decoder(RuleRow)
        found: list[StoredRule] = []
        for number, row, state, until in self._all(query):
            end = _moment(until)
            if (end is None or end > now) and (drafts or state != "draft"):
                try:
                    rule = kept_rule(decoder.decode(row))
                except (*NO_JSON, ValueError, TargetError) as error:
                    raise self._file.failure(sqlite3.DatabaseError(f"malformed: {error}")) from None
                found.append(StoredRule(number, rule, state, end))
        return found

    def next_end(self) -> datetime | None:
        """When the next trial is over."""
        return _moment(self._one("SELECT min(until) FROM rule WHERE until > ?", _text(self._now())))

    def add_rule(self, row: RuleRow) -> Rule:
        """Keep a rule. Raises ConfigError for one that means nothing or is there already."""
        rule, row = normal_rule(row)
        with self._changing("add", rule.pattern, lean(row)):
            self._insert(rule, row, "approved", None)
        return rule

    def import_rules(self, rows: Iterable[RuleRow], source: str) -> tuple[int, list[str]]:
        """Keep many, all or none; how many were added, and the patterns that were there already."""
        checked = [*map(normal_rule, rows)]
        there = {pattern for (pattern,) in self._all("SELECT pattern FROM rule")}
        known: list[str] = []
        fresh: dict[str, RuleRow] = {}
        for rule, row in checked:
            pattern = rule.pattern
            if pattern in there or pattern in fresh:
                known.append(pattern)
            else:
                fresh[pattern] = row
        if fresh:
            rows = list(fresh.values())
            parts = (
                {"source": source, "count": len(rows), "rows": [*map(lean, part)]}
                for part in batched(rows, PART)
            )
            with self._changing("import", source, parts=parts):
                query = "INSERT INTO rule (pattern, row, state) VALUES (?, ?, 'approved')"
                self._db.executemany(query, ((key, _json(row)) for key, row in fresh.items()))
        return len(fresh), known

    def remove_rule(self, pattern: str, why: str = "") -> Rule:
        """Take a rule away. Raises ConfigError where there is none."""
        found = self._rule(pattern)
        with self._changing("remove", pattern, {"why": why}):
            self._db.execute("DELETE FROM rule WHERE id = ?", (found.id,))
        return found.rule

    def expire_rule(self, pattern: str, why: str = "") -> Rule:
        """End a rule now; it stays in the list, and its hosts are inspected from now on."""
        found = self._rule(pattern)
        (row,) = self._all("SELECT row FROM rule WHERE id = ?", found.id)
        kept = msgspec.json.decode(row[0], type=RuleRow)
        changed = msgspec.structs.replace(kept, expires=self._now().replace(microsecond=0))
        with self._changing("expire", pattern, {"why": why, "row": lean(changed)}):
            query = "UPDATE rule SET row = ?, state = 'approved', until = NULL WHERE id = ?"
            self._db.execute(query, (_json(changed), found.id))
        return kept_rule(changed)

    # Candidates.

    def candidates(self, *states: CandidateState) -> list[StoredCandidate]:
        """Candidates in these states, all when none is named, the latest first."""
        query = "SELECT state, body, until, tried FROM candidate"
        found = [_candidate(*row) for row in self._all(query)]
        now = self._now()
        kept = [
            # Nobody has to wake a snoozed one.
            msgspec.structs.replace(one, state="pending", until=None)
            if one.state == "snoozed" and one.until is not None and one.until <= now
            else one
            for one in found
        ]
        kept = [one for one in kept if not states or one.state in states]
        return sorted(kept, key=lambda one: one.candidate.last, reverse=True)

    def candidate(self, host: str) -> StoredCandidate | None:
        """One host's."""
        query = "SELECT state, body, until, tried FROM candidate WHERE host = ?"
        found = self._all(query, host)
        return _candidate(*found[0]) if found else None

    def known(self, host: str) -> StoredCandidate:
        """As `candidate`. Raises ConfigError where there is none."""
        found = self.candidate(host)
        if found is None:
            remedy = "tlsight bypass candidates shows them; bypass add makes a rule without one"
            raise ConfigError(host, "is no candidate", remedy=remedy)
        return found

    def propose(self, candidate: Candidate) -> bool:
        """Keep a candidate, or what is known of it by now; whether a person should hear of it.

        One that was approved, rejected or snoozed stays as it was decided.
        """
        there = self.candidate(candidate.host)
        values = (candidate.kind, _json(candidate), candidate.host)
        if there is not None and there.state != "cleared":
            with self._writing():
                query = "UPDATE candidate SET kind = ?, body = ? WHERE host = ?"
                self._db.execute(query, values)
            return False
        with self._changing("candidate", candidate.host, candidate, rules=False):
            query = "REPLACE INTO candidate (kind, body, host, state) VALUES (?, ?, ?, 'pending')"
            self._db.execute(query, values)
        return True

    def clear(self, host: str, why: str) -> None:
        """The evidence is gone: somebody succeeded. Decided ones stay."""
        there = self.candidate(host)
        if there is not None and there.state in ("pending", "snoozed"):
            with self._changing("clear", host, {"why": why}, rules=False):
                self._set_state(host, "cleared", None)

    def approve(self, host: str, row: RuleRow) -> Rule:
        """Turn a candidate into a rule. Raises ConfigError, also when owner, reason or end is missing."""
        found = self.known(host)
        missing = [name for name in ("owner", "reason", "expires") if not getattr(row, name)]
        if missing:
            raise ConfigError(host, f"no {', no '.join(missing)}", remedy="a rule must be defended")
        full = msgspec.structs.replace(
            row,
            created=row.created or self._now().date(),
            evidence=row.evidence or f"{found.candidate.kind}: {found.candidate.text}",
        )
        rule, full = normal_rule(full)
        with self._changing("approve", host, lean(full)):
            self._insert(rule, full, "approved", None)
            self._set_state(host, "approved", None)
        return rule

    def reject(self, host: str, why: str) -> None:
        """Keep inspecting, and do not ask again. A trial ends at once."""
        self.known(host)
        with self._changing("reject", host, {"why": why}):
            trial = (
                "DELETE FROM rule WHERE state = 'trial'"
                " AND ? IN (json_extract(row, '$.host'), json_extract(row, '$.cidr'))"
            )
            self._db.execute(trial, (host,))
            self._set_state(host, "rejected", None)

    def snooze(self, host: str, until: datetime) -> None:
        """Ask again later."""
        self.known(host)
        with self._changing("snooze", host, {"until": _text(until)}, rules=False):
            self._set_state(host, "snoozed", until)

    def try_out(self, candidate: Candidate, row: RuleRow, until: datetime) -> Rule:
        """Let a candidate's host through for a while; the candidate stays."""
        rule, row = normal_rule(row)
        with self._changing("trial", candidate.host, {"row": lean(row), "until": _text(until)}):
            self._db.execute("DELETE FROM rule WHERE state = 'trial' AND until <= ?",
                             (_text(self._now()),))  # fmt: skip
            self._insert(rule, row, "trial", until)
            query = "UPDATE candidate SET tried = ? WHERE host = ?"
            self._db.execute(query, (_text(self._now()), candidate.host))
        return rule

    # The audit trail.

    def audit(self) -> Iterator[AuditEntry]:
        """All entries, the first first."""
        return self.trail.entries()

    def note(self, action: str, subject: str, details: object) -> None:
        """An entry without a change of its own."""
        with self._changing(action, subject, details, rules=False):
            pass

    def accept(self, why: str, faults: Iterable[str]) -> None:
        """From now on the trail says what is there, whatever it said before; the `faults` are kept in it."""
        with self._writing():
            more = {"why": why, "faults": list(faults), "lost": self.trail.lost()}
            for details in parts_of(*self.tables()):
                self.trail.enter("accept", why, {**details, **more})
        self.trail.publish(accepted=True)

    def tables(self) -> tuple[dict[str, Placed | None], dict[str, str]]:
        """The rules by pattern, None where a row says something else; the candidates' states."""
        rows = self._all("SELECT pattern, row, state, until FROM rule")
        return table_of(rows), dict(self._all("SELECT host, state FROM candidate"))

    def stamp(self) -> str:
        """Changes whenever a candidate, a rule or a decision does."""
        query = "SELECT count(*), coalesce(sum(length(body)), 0) FROM candidate"
        ((count, size),) = self._all(query)
        decisions = self._one("SELECT coalesce(max(number), 0) FROM audit")
        return f"{self.revision()}.{decisions}.{count}.{size}"

    # What they are made of.

    def _insert(self, rule: Rule, row: RuleRow, state: str, until: datetime | None) -> None:
        if state == "approved":  # a person's decision takes the place of a trial
            trial = "DELETE FROM rule WHERE pattern = ? AND state = 'trial'"
            self._db.execute(trial, (rule.pattern,))
        query = "INSERT INTO rule (pattern, row, state, until) VALUES (?, ?, ?, ?)"
        try:
            self._db.execute(
                query, (rule.pattern, _json(row), state, _text(until) if until else None)
            )
        except sqlite3.IntegrityError:
            remedy = "remove it first"
            raise ConfigError(rule.pattern, "is there already", remedy=remedy) from None

    def _rule(self, pattern: str) -> StoredRule:
        for one in self.rules():
            if one.rule.pattern == pattern:
                return one
        raise ConfigError(pattern, "no such rule", remedy="tlsight bypass list shows them")

    def _set_state(self, host: str, state: CandidateState, until: datetime | None) -> None:
        query = "UPDATE candidate SET state = ?, until = ? WHERE host = ?"
        self._db.execute(query, (state, _text(until) if until else None, host))

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
        known = Evidence(rules, candidates)
        if not verified(list(self.trail.entries()), known, self._now()).faults:
            for details in parts_of(rules, candidates):
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


def normal_rule(row: RuleRow) -> tuple[Rule, RuleRow]:
    """The rule, and the row as it is kept. Raises ConfigError."""
    try:
        row = settled(row)
        return rule_of(row), row
    except (ValueError, TargetError) as error:
        raise ConfigError("rule", str(error)) from None


def _candidate(state: str, body: str, until: str | None, tried: str | None) -> StoredCandidate:
    try:
        candidate = msgspec.json.decode(body, type=Candidate)
    except NO_JSON as error:
        raise StoreError("bypass store", f"a candidate is malformed: {error}") from None
    return StoredCandidate(candidate, state, _moment(until), _moment(tried))  # type: ignore[arg-type]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _text(moment: datetime) -> str:
    return moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
