"""Rules, candidates and decisions in SQLite; every change of them is one entry of the audit trail.

A change and its entry are one transaction: neither is there without the other. `revision` counts the changes
of rules, so that a running proxy knows when to read them again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from addons.bypass.audit import GENESIS, AuditEntry, chained
from addons.bypass.learning import Candidate
from addons.bypass.rule import Rule, RuleRow, rule_of
from addons.store.schema import MIGRATIONS
from addons.store.traffic import Traffic
from detector.errors import ConfigError, StoreError, TargetError
from detector.knowledge.database import Database
from detector.knowledge.folders import state_folder
from detector.model.no_json import NO_JSON

# Where the command and the addon both look before they fall back to the usual places.
STORE_VARIABLE = "TLSIGHT_BYPASS_STORE"
RULES_VARIABLE = "TLSIGHT_BYPASS_RULES"
CandidateState = Literal["pending", "approved", "rejected", "snoozed", "cleared"]


class StoredRule(msgspec.Struct, frozen=True, gc=False):
    """A rule and its life: approved by a person, or on trial `until` a moment."""

    id: int
    rule: Rule
    state: Literal["approved", "trial"]
    until: datetime | None


class StoredCandidate(msgspec.Struct, frozen=True):
    """A candidate and what was decided about it.

    Attributes:
        until: when it is looked at again, of a snoozed one.
        tried: when its last trial began.

    """

    candidate: Candidate
    state: CandidateState
    until: datetime | None
    tried: datetime | None


def default_path(environment: Mapping[str, str]) -> Path:
    """In systemd's STATE_DIRECTORY, else in the XDG state folder."""
    return state_folder(environment) / "bypass.sqlite3"


class BypassStore:
    """The open store, for one thread. Raises StoreError for whatever stops it from being used.

    Args:
        path: made when missing.
        now: the clock.
        by: who decides, for the audit trail.

    """

    def __init__(self, path: Path, now: Callable[[], datetime], by: str = "tlsight") -> None:
        self.path = path
        self._now = now
        self._by = by
        remedy = "name another one with --store FILE"
        self._file = Database(path, "bypass store", remedy, MIGRATIONS)
        self._db = self._file.db
        self.traffic = Traffic(self._db, self._failing)

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

    def rules(self) -> list[StoredRule]:
        """Every rule that is there; trials that are over are not."""
        now = self._now()
        query = "SELECT id, row, state, until FROM rule ORDER BY id"
        decoder = msgspec.json.Decoder(RuleRow)
        found: list[StoredRule] = []
        for number, row, state, until in self._all(query):
            end = _moment(until)
            if end is None or end > now:
                try:
                    rule = rule_of(decoder.decode(row))
                except (*NO_JSON, ValueError, TargetError) as error:
                    raise self._file.failure(sqlite3.DatabaseError(f"malformed: {error}")) from None
                found.append(StoredRule(number, rule, state, end))
        return found

    def next_end(self) -> datetime | None:
        """When the next trial is over."""
        return _moment(self._one("SELECT min(until) FROM rule WHERE until > ?", _text(self._now())))

    def add_rule(self, row: RuleRow) -> Rule:
        """Keep a rule. Raises ConfigError for one that means nothing or is there already."""
        rule = normal_rule(row)
        with self._changing("add", rule.pattern, row):
            self._insert(rule, row, "approved", None)
        return rule

    def import_rules(self, rows: Iterable[RuleRow], source: str) -> tuple[int, list[str]]:
        """Keep many, all or none; how many were added, and the patterns that were there already."""
        checked = [(normal_rule(row), row) for row in rows]
        there = {pattern for (pattern,) in self._all("SELECT pattern FROM rule")}
        known: list[str] = []
        fresh: dict[str, tuple[str, str, str]] = {}
        for rule, row in checked:
            pattern = rule.pattern
            if pattern in there or pattern in fresh:
                known.append(pattern)
            else:
                fresh[pattern] = (pattern, _json(row), "approved")
        if fresh:
            details = {"source": source, "patterns": list(fresh)[:1000], "count": len(fresh)}
            with self._changing("import", source, details):
                query = "INSERT INTO rule (pattern, row, state) VALUES (?, ?, ?)"
                self._db.executemany(query, fresh.values())
        return len(fresh), known

    def remove_rule(self, pattern: str, why: str = "") -> Rule:
        """Take a rule away. Raises ConfigError where there is none."""
        found = self._rule(pattern)
        with self._changing("remove", pattern, {"why": why}):
            self._db.execute("DELETE FROM rule WHERE id = ?", (found.id,))
        return found.rule

    def expire_rule(self, pattern: str, why: str = "") -> Rule:
        """End a rule today; it stays in the list, and is inspected from now on."""
        found = self._rule(pattern)
        (row,) = self._all("SELECT row FROM rule WHERE id = ?", found.id)
        ended = self._now().date() - timedelta(days=1)
        changed = msgspec.structs.replace(msgspec.json.decode(row[0], type=RuleRow), expires=ended)
        with self._changing("expire", pattern, {"why": why}):
            query = "UPDATE rule SET row = ?, state = 'approved', until = NULL WHERE id = ?"
            self._db.execute(query, (_json(changed), found.id))
        return normal_rule(changed)

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
        rule = normal_rule(msgspec.structs.replace(row, created=row.created or self._now().date()))
        full = msgspec.structs.replace(
            row,
            created=rule.created,
            evidence=row.evidence or f"{found.candidate.kind}: {found.candidate.text}",
        )
        with self._changing("approve", host, full):
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
        rule = normal_rule(row)
        with self._changing("trial", candidate.host, {"row": row, "until": _text(until)}):
            self._db.execute("DELETE FROM rule WHERE state = 'trial' AND until <= ?",
                             (_text(self._now()),))  # fmt: skip
            self._insert(rule, row, "trial", until)
            query = "UPDATE candidate SET tried = ? WHERE host = ?"
            self._db.execute(query, (_text(self._now()), candidate.host))
        return rule

    # The audit trail.

    def audit(self) -> Iterator[AuditEntry]:
        """All entries, the first first."""
        query = "SELECT number, at, by, action, subject, details, digest FROM audit ORDER BY number"
        for row in self._all(query):
            yield AuditEntry(*row)

    def note(self, action: str, subject: str, details: object) -> None:
        """An entry without a change of its own."""
        with self._changing(action, subject, details, rules=False):
            pass

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
        self, action: str, subject: str, details: object, *, rules: bool = True
    ) -> Generator[None]:
        """One transaction of a change and its entry."""
        with self._writing():
            yield
            self._enter(action, subject, msgspec.json.encode(details).decode())
            if rules:
                query = "UPDATE setting SET value = value + 1 WHERE name = 'revision'"
                self._db.execute(query)

    @contextmanager
    def _writing(self) -> Generator[None]:
        with self._failing():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _enter(self, action: str, subject: str, details: str) -> None:
        last = self._db.execute("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1")
        number, previous = last.fetchone() or (0, GENESIS)
        at = self._now().isoformat()
        digest = chained(previous, at, self._by, action, subject, details)
        row = (number + 1, at, self._by, action, subject, details, digest)
        self._db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)", row)

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


def normal_rule(row: RuleRow) -> Rule:
    """As rule_of. Raises ConfigError."""
    try:
        return rule_of(row)
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
