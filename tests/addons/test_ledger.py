"""The trail replayed leads to the rules: whatever else is there is a difference."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from addons.bypass.audit import AuditEntry
from addons.bypass.ledger import BadEntryError, Placed, differences, replayed
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from tests.addons.conftest import START, Clock
from tests.addons.test_bypass_store import candidate

FULL = {"owner": "network", "reason": "pinned app", "expires": date(2027, 2, 1)}


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Generator[BypassStore]:
    """One of every decision there is."""
    with BypassStore(tmp_path / "b.sqlite3", clock) as opened:
        rows = [RuleRow(host=f"h{n}.example") for n in range(1500)]
        opened.import_rules([*rows, RuleRow(cidr="192.0.2.0/24", client="10.0.0.0/8")], "list")
        opened.add_rule(RuleRow(suffix="apple.com", port=443, **FULL))  # type: ignore[arg-type]
        opened.add_rule(RuleRow(host="gone.example"))
        opened.remove_rule("gone.example", "not ours")
        opened.expire_rule("h3.example", "moved")
        for host in ("bank", "game", "chat", "fresh", "tried", "over", "kept"):
            opened.propose(candidate(f"{host}.example"))
        opened.approve("bank.example", RuleRow(host="bank.example", port=443, **FULL))  # type: ignore[arg-type]
        opened.try_out(
            candidate("game.example"), RuleRow(host="game.example"), clock() + timedelta(hours=1)
        )
        opened.reject("game.example", "no")
        opened.snooze("chat.example", clock() + timedelta(days=7))
        opened.clear("fresh.example", "somebody succeeded")
        opened.try_out(
            candidate("over.example"), RuleRow(host="over.example"), clock() + timedelta(minutes=1)
        )
        clock.at += timedelta(minutes=5)
        opened.try_out(
            candidate("tried.example"), RuleRow(host="tried.example"), clock() + timedelta(hours=1)
        )
        yield opened


def found(store: BypassStore, clock: Clock) -> list[str]:
    return list(differences(replayed(store.audit()), *store.tables(), clock()))


def test_every_decision_leads_to_what_is_there(store: BypassStore, clock: Clock) -> None:
    assert found(store, clock) == []
    assert len(replayed(store.audit()).rules) >= 1504


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE rule SET row = replace(row, '2027', '2099') WHERE pattern = '.apple.com:443'",
            "the rule .apple.com:443 was changed: expires 2027-02-01 became 2099-02-01",
        ),
        (
            "UPDATE rule SET row = replace(row, 'h7.example', 'evil.example') WHERE pattern = 'h7.example'",
            "the rule h7.example was changed: its row says something else",
        ),
        (
            "INSERT INTO rule (pattern, row, state) VALUES ('evil.example', '{\"host\":\"evil.example\"}', 'approved')",
            "the rule evil.example is there, and no entry made it",
        ),
        (
            "DELETE FROM rule WHERE pattern = 'h1400.example'",
            "the rule h1400.example is gone, and no entry took it away",
        ),
        (
            "UPDATE rule SET state = 'approved', until = NULL WHERE pattern = 'tried.example'",
            "the rule tried.example was changed: it is approved, and on trial until",
        ),
        (
            "UPDATE candidate SET state = 'pending' WHERE host = 'game.example'",
            "the candidate game.example is pending, and rejected by the trail",
        ),
        (
            "DELETE FROM candidate WHERE host = 'chat.example'",
            "the candidate chat.example is gone, and snoozed by the trail",
        ),
        (
            "UPDATE rule SET row = '{' WHERE pattern = 'h9.example'",
            "the rule h9.example was changed: its row says something else",
        ),
    ],
)
def test_a_change_made_outside_is_found_and_named(
    store: BypassStore, clock: Clock, tmp_path: Path, statement: str, says: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "b.sqlite3")) as db:
        assert db.execute(statement).rowcount == 1
        db.commit()
    (said,) = found(store, clock)
    assert said.startswith(says)


def test_a_trial_that_is_over_is_on_neither_side(
    store: BypassStore, clock: Clock, tmp_path: Path
) -> None:
    clock.at += timedelta(hours=2)
    assert found(store, clock) == []
    with closing(sqlite3.connect(tmp_path / "b.sqlite3")) as db:
        db.execute("DELETE FROM rule WHERE state = 'trial'")
        db.commit()
    assert found(store, clock) == []


def entry(action: str, details: object, subject: str = "s") -> AuditEntry:
    text = msgspec.json.encode(details).decode()
    return AuditEntry(1, START.isoformat(), "ann", action, subject, text, "")


def test_an_import_of_old_is_known_by_its_names_and_their_number(clock: Clock) -> None:
    imported = entry("import", {"source": "x", "patterns": ["a.com", "b.com"], "count": 3})
    ledger = replayed([imported, entry("expire", {"why": ""}, "a.com")])
    rows = {"a.com": RuleRow(host="a.com"), "b.com": RuleRow(host="b.com")}
    placed = {name: Placed(row) for name, row in rows.items()}
    assert list(differences(ledger, placed, {}, clock())) == []
    third = {**placed, "c.com": Placed(RuleRow(host="c.com"))}
    assert list(differences(ledger, third, {}, clock())) == []
    fourth = {**third, "d.com": Placed(RuleRow(host="d.com"))}
    assert list(differences(ledger, fourth, {}, clock())) == [
        "the rule d.com is there, and no entry made it"
    ]
    assert "b.com is gone" in next(differences(ledger, {"a.com": placed["a.com"]}, {}, clock()))


@pytest.mark.parametrize(
    "details", ["{", "[]", '{"host": 1}', '{"host": "a b"}', '{"unknown": 1}', "null"]
)
def test_an_entry_that_says_nothing_is_told_by_its_number(details: str) -> None:
    bad = msgspec.structs.replace(entry("add", {}), number=7, details=details)
    with pytest.raises(BadEntryError, match="entry 7 cannot be read"):
        replayed([bad])
