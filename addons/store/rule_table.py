"""The rules in the store, and all that can be decided about them.

Every decision is a list of changes (change.py), made whole or not at all, and only where each rule still is what
its author saw.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

from addons.bypass import change as changes_of
from addons.bypass.audit import AuditEntry
from addons.bypass.change import Change, StaleError, parts_of_change, undoing
from addons.bypass.ledger import BadEntryError, Placed
from addons.bypass.rule import Rule, RuleRow, kept_rule, rule_of, settled
from addons.store.opened import Opened, as_moment, as_text
from addons.store.stored import StoredRule
from addons.store.tables import known_row, make, table_of
from detector.errors import ConfigError, TargetError
from detector.model.no_json import NO_JSON


class RuleTable(Opened):
    """Part of a BypassStore."""

    def rules(self, *, drafts: bool = False) -> list[StoredRule]:
        """Every rule that is there, also one whose regex is not in force; trials that are over are not.

        `drafts` are none of them, unless they are asked for.
        """
        now = self._now()
        query = "SELECT id, row, state, until FROM rule ORDER BY id"
        decoder = msgspec.json.Decoder(RuleRow)
        found: list[StoredRule] = []
        for number, row, state, until in self._all(query):
            end = as_moment(until)
            if (end is None or end > now) and (drafts or state != "draft"):
                try:
                    rule = kept_rule(decoder.decode(row))
                except (*NO_JSON, ValueError, TargetError) as error:
                    raise self._file.failure(sqlite3.DatabaseError(f"malformed: {error}")) from None
                found.append(StoredRule(number, rule, state, end))
        return found

    def placed(self) -> dict[str, Placed]:
        """The rules by pattern, drafts too, without trials that are over: what a plan is made for."""
        now = as_text(self._now())
        rows = self._all("SELECT pattern, row, state, until FROM rule ORDER BY id")
        found = table_of(row for row in rows if row[3] is None or row[3] > now)
        broken = next((pattern for pattern, one in found.items() if one is None), None)
        if broken is not None:
            raise self._file.failure(sqlite3.DatabaseError(f"malformed: the rule {broken}"))
        return {pattern: one for pattern, one in found.items() if one is not None}

    def rule(self, pattern: str) -> Rule:
        """One of them, a draft too. Raises ConfigError where there is none."""
        return kept_rule(known_row(self._known(pattern)))

    def next_end(self) -> datetime | None:
        """When the next trial is over."""
        query = "SELECT min(until) FROM rule WHERE until > ?"
        return as_moment(self._one(query, as_text(self._now())))

    # Decisions.

    def change(
        self,
        action: str,
        subject: str,
        changes: Sequence[Change],
        about: Mapping[str, object] | None = None,
        candidates: Mapping[str, str] | None = None,
        *,
        behind: int | None = None,
    ) -> int:
        """Make all the changes, or none; the number of the first entry of the trail that says so.

        Args:
            action: what it is called there.
            subject: what it is about: a pattern, a host, a file.
            changes: one for each rule.
            about: further details.
            candidates: states of candidates that go with it, by host.
            behind: the entry that was the last one when this was decided, where none may have come since.

        Raises StaleError where a rule is not what its change says that it was, ConfigError where nothing would
        change.

        """
        wanted = [one for one in changes if one.before != one.after]
        if not wanted and not candidates:
            raise ConfigError(subject, "changes nothing")
        parts = parts_of_change(wanted, about or {}, candidates or {})
        with self._changing(action, subject, parts=parts):
            first = 1 + int(self._one("SELECT coalesce(max(number), 0) FROM audit"))
            if behind is not None and first != behind + 1:
                raise StaleError(subject, "something was decided meanwhile", remedy="try it again")
            over = "DELETE FROM rule WHERE state = 'trial' AND until <= ?"
            self._db.execute(over, (as_text(self._now()),))
            make(self._db, wanted)
            states = [(state, host) for host, state in (candidates or {}).items()]
            update = "UPDATE candidate SET state = ?, until = NULL WHERE host = ?"
            self._db.executemany(update, states)
        return first

    def add_rule(self, row: RuleRow) -> Rule:
        """Keep a rule. Raises ConfigError for one that means nothing or is there already."""
        return self._add("add", row, Placed(row))

    def draft_rule(self, row: RuleRow) -> Rule:
        """Keep a rule that waits for another person. Raises ConfigError as `add_rule`."""
        return self._add("draft", row, Placed(row, "draft"))

    def approve_draft(self, pattern: str, *, by_another: bool = False) -> Rule:
        """Put a draft in force. Raises ConfigError; with `by_another` also for the one who wrote it."""
        there = self._known(pattern)
        if there.state != "draft":
            raise ConfigError(pattern, "is no draft", remedy="tlsight bypass list shows them")
        authors = self._authors(pattern)
        if by_another and (not authors or self.by in authors):
            raise ConfigError(pattern, "was written by the same person", remedy="ask another one")
        approved = Change(pattern, there, Placed(there.row))
        self.change("approve-draft", pattern, [approved], {"authors": sorted(authors)})
        return kept_rule(known_row(there))

    def import_rules(self, rows: Iterable[RuleRow], source: str) -> tuple[int, list[str]]:
        """Keep many, all or none; how many were added, and the patterns that were there already."""
        checked = [*map(normal_rule, rows)]
        there = self.placed()
        known: list[str] = []
        fresh: dict[str, Change] = {}
        for rule, row in checked:
            if rule.pattern in there or rule.pattern in fresh:
                known.append(rule.pattern)
            else:
                fresh[rule.pattern] = Change(rule.pattern, None, Placed(row))
        if fresh:
            count = {"source": source, "count": len(fresh)}
            self.change("import", source, list(fresh.values()), count)
        return len(fresh), known

    def remove_rule(self, pattern: str, why: str = "") -> Rule:
        """Take a rule away. Raises ConfigError where there is none."""
        there = self._known(pattern)
        self.change("remove", pattern, [Change(pattern, there, None)], {"why": why})
        return kept_rule(known_row(there))

    def expire_rule(self, pattern: str, why: str = "") -> Rule:
        """End a rule now; it stays in the list, and its hosts are inspected from now on."""
        return self._end("expire", pattern, self._now().replace(microsecond=0), why)

    def renew_rule(self, pattern: str, end: date, why: str = "") -> Rule:
        """Another end for a rule; it stays the same one, with its history. Raises ConfigError."""
        return self._end("renew", pattern, end, why)

    def undo(
        self, number: int, why: str = "", hold: Callable[[Change], Change] | None = None
    ) -> int:
        """Take back what an entry of the trail decided; how many rules that changed.

        `hold` says what becomes of a change: one that another person has to approve is a draft.

        Raises ConfigError for an entry that decided nothing about rules, StaleError where somebody has decided on
        one of them since: then nothing is undone.
        """
        entries = list(self.trail.entries())
        try:
            found = undoing(entries, number)
        except BadEntryError as error:
            raise ConfigError(str(number), str(error), remedy="tlsight bypass audit") from None
        if not found.changes or found.action in ("accept", "adopt"):
            why = f"{found.action} is nothing that can be undone"
            raise ConfigError(f"entry {number}", why, remedy=_instead(found.action))
        about = {"of": found.first, "action": found.action, "why": why}
        subject, last = f"entry {found.first}", len(entries)
        changes = found.changes if hold is None else tuple(map(hold, found.changes))
        self.change("undo", subject, changes, about, found.candidates, behind=last)
        return len(found.changes)

    def history(self, subject: str) -> list[AuditEntry]:
        """All that was decided about a host or a rule, the first first."""
        return list(changes_of.about(self.trail.entries(), subject))

    # What they are made of.

    def _add(self, action: str, row: RuleRow, placed: Placed) -> Rule:
        rule, row = normal_rule(row)
        before = self._there_now(rule.pattern)
        if before is not None and before.state == "trial" and placed.state == "approved":
            pass  # a person's decision takes the place of a trial
        elif before is not None:
            raise ConfigError(rule.pattern, "is there already", remedy="remove it first")
        after = msgspec.structs.replace(placed, row=row)
        self.change(action, rule.pattern, [Change(rule.pattern, before, after)])
        return rule

    def _end(self, action: str, pattern: str, end: date, why: str) -> Rule:
        there = self._known(pattern)
        if there.state == "trial" and action == "renew":
            raise ConfigError(
                pattern, "is on trial", remedy="tlsight bypass approve, with an owner"
            )
        state = "draft" if there.state == "draft" else "approved"
        row = msgspec.structs.replace(known_row(there), expires=end)
        self.change(action, pattern, [Change(pattern, there, Placed(row, state))], {"why": why})
        return kept_rule(row)

    def _known(self, pattern: str) -> Placed:
        found = self._there_now(pattern)
        if found is None:
            raise ConfigError(pattern, "no such rule", remedy="tlsight bypass list shows them")
        return found

    def _there_now(self, pattern: str) -> Placed | None:
        """As it is, None for none and for a trial that is over."""
        query = "SELECT pattern, row, state, until FROM rule WHERE pattern = ? AND (until IS NULL OR until > ?)"
        rows = self._all(query, pattern, as_text(self._now()))
        found = table_of(rows).get(pattern)
        if rows and found is None:
            raise self._file.failure(sqlite3.DatabaseError(f"malformed: the rule {pattern}"))
        return found

    def _authors(self, pattern: str) -> set[str]:
        """All who had a hand in a draft: wrote it, sent the list it is in, brought it back, or gave it another end."""
        found: set[str] = set()
        for entry in reversed(self.history(pattern)):
            found.add(entry.by)
            if entry.action == "draft" or changes_of.makes_draft(entry, pattern):
                return found
        return set()


def _instead(action: str) -> str:
    """What takes back a decision about a vendor's list."""
    if not action.startswith("feed "):
        return ""
    earlier = (
        "feed update NAME --file EARLIER --older and feed accept NAME bring an earlier list back"
    )
    return f"tlsight bypass feed remove NAME takes its rules away; {earlier}; feed set keeps it in another way"


def normal_rule(row: RuleRow) -> tuple[Rule, RuleRow]:
    """The rule, and the row as it is kept. Raises ConfigError."""
    try:
        row = settled(row)
        return rule_of(row), row
    except (ValueError, TargetError) as error:
        raise ConfigError("rule", str(error)) from None
