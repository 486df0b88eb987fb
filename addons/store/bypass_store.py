"""Rules, candidates and decisions in SQLite; every change of them is in the audit trail, with all that was decided.

A change and its entry are one transaction: neither is there without the other. `revision` counts the changes
of rules, so that a running proxy knows when to read them again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from addons.bypass.audit import AuditEntry
from addons.bypass.change import Change, lean
from addons.bypass.learning import Candidate
from addons.bypass.ledger import Placed
from addons.bypass.rule import Rule, RuleRow
from addons.store.opened import as_json, as_moment, as_text
from addons.store.rule_table import RuleTable, normal_rule
from addons.store.stored import CandidateState, StoredCandidate
from addons.store.tables import parts_of
from detector.errors import ConfigError, StoreError
from detector.model.no_json import NO_JSON

__all__ = ["BypassStore", "normal_rule"]


class BypassStore(RuleTable):
    """All of it: rules (rule_table.py), what was seen, candidates, and who decided. See `Opened`."""

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
        values = (candidate.kind, as_json(candidate), candidate.host)
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
        before = self._there_now(rule.pattern)
        if before is not None and before.state != "trial":
            raise ConfigError(rule.pattern, "is there already", remedy="remove it first")
        change = Change(rule.pattern, before, Placed(full))
        self.change("approve", host, [change], candidates={host: "approved"})
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
        with self._changing("snooze", host, {"until": as_text(until)}, rules=False):
            self._set_state(host, "snoozed", until)

    def try_out(self, candidate: Candidate, row: RuleRow, until: datetime) -> Rule:
        """Let a candidate's host through for a while; the candidate stays."""
        rule, row = normal_rule(row)
        with self._changing("trial", candidate.host, {"row": lean(row), "until": as_text(until)}):
            self._db.execute("DELETE FROM rule WHERE state = 'trial' AND until <= ?",
                             (as_text(self._now()),))  # fmt: skip
            query = "INSERT INTO rule (pattern, row, state, until) VALUES (?, ?, 'trial', ?)"
            try:
                self._db.execute(query, (rule.pattern, as_json(row), as_text(until)))
            except sqlite3.IntegrityError:
                raise ConfigError(rule.pattern, "is there already") from None
            query = "UPDATE candidate SET tried = ? WHERE host = ?"
            self._db.execute(query, (as_text(self._now()), candidate.host))
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
            for details in parts_of(*self.tables(), self.feeds.states()):
                self.trail.enter("accept", why, {**details, **more})
        self.trail.publish(accepted=True)

    def stamp(self) -> str:
        """Changes whenever a candidate, a rule or a decision does."""
        query = "SELECT count(*), coalesce(sum(length(body)), 0) FROM candidate"
        ((count, size),) = self._all(query)
        decisions = self._one("SELECT coalesce(max(number), 0) FROM audit")
        return f"{self.revision()}.{decisions}.{count}.{size}"

    def _set_state(self, host: str, state: CandidateState, until: datetime | None) -> None:
        query = "UPDATE candidate SET state = ?, until = ? WHERE host = ?"
        self._db.execute(query, (state, as_text(until) if until else None, host))


def _candidate(state: str, body: str, until: str | None, tried: str | None) -> StoredCandidate:
    try:
        candidate = msgspec.json.decode(body, type=Candidate)
    except NO_JSON as error:
        raise StoreError("bypass store", f"a candidate is malformed: {error}") from None
    return StoredCandidate(candidate, state, as_moment(until), as_moment(tried))  # type: ignore[arg-type]
