"""Who attacks with what, and which layer tells: the file alone, the file and the key, or all of the machine."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from addons.bypass.audit import GENESIS, AuditEntry, chained
from addons.bypass.head_line import head_line
from addons.bypass.rule import RuleRow
from addons.bypass.verification import MOST_TOLD, Verified
from addons.store.auditing import audited
from addons.store.bypass_store import BypassStore
from addons.store.seal import Seal
from addons.store.syslog import store_name
from tests.addons.conftest import Clock

OLD = Path(__file__).parents[1] / "data" / "upgrades" / "0.1.0" / "bypass.sqlite3"


@pytest.fixture
def path(tmp_path: Path, clock: Clock) -> Path:
    path = tmp_path / "b.sqlite3"
    with BypassStore(path, clock, "ann") as store:
        for host in ("a.example", "b.example", "c.example"):
            store.add_rule(RuleRow(host=host))
    return path


def verify(path: Path, clock: Clock, **more: tuple[str, ...]) -> Verified:
    with BypassStore(path, clock, read_only=True) as store:
        return audited(store, clock(), **more)


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def entries(path: Path, clock: Clock) -> list[AuditEntry]:
    with BypassStore(path, clock, read_only=True) as store:
        return list(store.audit())


def forge(path: Path, clock: Clock, seal: Seal | None, drop: str = "c.example") -> None:
    """Make the whole chain anew without one entry, and sign it where the key is at hand."""
    previous, rows = GENESIS, []
    kept = [one for one in entries(path, clock) if one.subject != drop]
    for number, one in enumerate(kept, 1):
        fields = (one.at, one.by, one.action, one.subject, one.details)
        previous = chained(previous, *fields, one.who)
        signature = seal.sign(number, previous).signature if seal else one.signature
        rows.append((number, *fields, previous, one.who, signature))
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM audit")
        db.execute("DELETE FROM rule WHERE pattern = ?", (drop,))
        db.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.commit()


def test_an_untouched_store_holds_and_says_with_which_key(path: Path, clock: Clock) -> None:
    found = verify(path, clock)
    key = Seal(path.with_name("b.sqlite3.key"), path).public_key()
    assert (found.entries, found.faults, found.notes) == (3, (), (f"signed with the key {key}",))


# With the file alone.


def test_a_chain_made_anew_lacks_the_signatures(path: Path, clock: Clock) -> None:
    forge(path, clock, None, drop="a.example")
    faults = verify(path, clock).faults
    assert faults[0] == "entry 1 is signed with another key, or not at all"
    assert "entry 3 was signed here and is not in the trail" in faults[-1]


def test_signatures_taken_away_do_not_make_a_store_of_old(path: Path, clock: Clock) -> None:
    edit(path, "UPDATE audit SET signature = NULL WHERE number > 1")
    assert "entry 2 is not signed, and those from 1 on are" in verify(path, clock).faults
    forge(path, clock, None)
    edit(path, "UPDATE audit SET signature = NULL")
    assert "entry 3 was signed here and is not in the trail: it was cut off, or made anew" in (
        verify(path, clock).faults
    )


def test_an_end_that_was_cut_off_with_its_rules_is_missed(path: Path, clock: Clock) -> None:
    edit(path, "DELETE FROM audit WHERE number = 3", "DELETE FROM rule WHERE pattern = 'c.example'")
    (fault,) = verify(path, clock).faults
    assert fault.startswith("entry 3 was signed here and is not in the trail")
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="d.example"))  # deciding something next hides nothing
    assert verify(path, clock).faults == (fault,)


def test_an_older_copy_put_in_the_place_of_the_file_is_noticed(
    path: Path, tmp_path: Path, clock: Clock
) -> None:
    copy = Path(shutil.copy(path, tmp_path / "copy"))
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="d.example", action="block"))
    copy.replace(path)
    assert [one[:23] for one in verify(path, clock).faults] == ["entry 4 was signed here"]


def test_an_emptied_a_missing_and_a_dropped_trail_are_told(path: Path, clock: Clock) -> None:
    edit(path, "DELETE FROM audit")
    assert "the rule a.example is there, and no entry made it" in verify(path, clock).faults
    edit(path, "DELETE FROM rule")
    assert [one[:23] for one in verify(path, clock).faults] == ["entry 3 was signed here"]
    edit(path, "DROP TABLE audit")
    assert verify(path, clock).faults == ("the trail is missing: there is no such table",)


def test_a_digest_noted_elsewhere_must_be_there(path: Path, clock: Clock) -> None:
    head = verify(path, clock).head
    assert verify(path, clock, heads=(head,)).faults == ()
    assert verify(path, clock, heads=("0" * 64,)).faults == (
        "the digest given is not in the trail: entries were cut off",
    )


# With the file and the key, and with everything.


def test_who_has_the_key_as_well_is_told_by_a_log_elsewhere_alone(path: Path, clock: Clock) -> None:
    seal = Seal(path.with_name("b.sqlite3.key"), path)
    log = [
        head_line(
            seal.sign(one.number, one.digest), one, store=store_name(path), host="h", process=1
        ).decode()
        for one in entries(path, clock)
    ]
    forge(path, clock, seal)
    seal.keep((seal.sign(2, entries(path, clock)[-1].digest),))
    assert verify(path, clock).faults == ()
    assert verify(path, clock, log=tuple(log[:2])).faults == ()
    (fault,) = verify(path, clock, log=tuple(log)).faults
    assert fault.startswith("entry 3 was logged and is not in the trail")
    # A line that the key did not sign says nothing.
    forged = re.sub(r'signature="[0-9a-f]{8}', f'signature="{"0" * 8}', log[2])
    assert verify(path, clock, log=(forged,)).faults == ()
    # All of it deleted, and begun anew: the log still has the old key.
    for one in path.parent.glob("b.sqlite3*"):
        one.unlink()
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="evil.example"))
    assert verify(path, clock).faults == ()
    assert "which is not this store's" in verify(path, clock, log=tuple(log)).faults[0]


def test_a_key_that_is_gone_or_replaced_is_told(path: Path, clock: Clock) -> None:
    key = path.with_name("b.sqlite3.key")
    public = Seal(key, path).public_key()
    assert public is not None
    saved = key.read_bytes()
    key.unlink()
    assert "no key is here to check them: give --key" in verify(path, clock).faults[0]
    assert verify(path, clock, keys=(public,)).faults == ()
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="d.example"))
    assert verify(path, clock).faults[0] == "entry 1 is signed with another key, or not at all"
    assert verify(path, clock, keys=(public,)).faults == ()
    key.write_bytes(saved)
    path.with_name("b.sqlite3.key.heads").unlink()
    assert "the file of heads beside the key is missing" in verify(path, clock).faults[-1]


# What a person accepts.


def test_what_was_accepted_is_told_and_counts_no_more(path: Path, clock: Clock) -> None:
    edit(
        path,
        "UPDATE audit SET by = 'nobody' WHERE number = 2",
        "DELETE FROM rule WHERE pattern = 'b.example'",
    )
    faults = verify(path, clock).faults
    assert len(faults) == 2
    with BypassStore(path, clock) as store:
        store.accept("a backup was put back", faults)
    found = verify(path, clock)
    assert found.faults == ()
    assert found.notes[0] == "entry 2 was changed, or one before it; accepted by entry 4"
    edit(path, "DELETE FROM rule WHERE pattern = 'a.example'")
    assert verify(path, clock).faults == ("the rule a.example is gone, and no entry took it away",)


def test_an_acceptance_that_nobody_signed_accepts_nothing(path: Path, clock: Clock) -> None:
    edit(path, "UPDATE audit SET by = 'nobody' WHERE number = 2")
    with BypassStore(path, clock) as store:
        store.accept("why", ())
    edit(path, "UPDATE audit SET signature = '00' WHERE number = 4")
    assert "entry 2 was changed, or one before it" in verify(path, clock).faults


# Stores of old.


def test_a_store_of_old_is_unsigned_until_its_next_decision(tmp_path: Path, clock: Clock) -> None:
    path = Path(shutil.copy(OLD, tmp_path / "old.sqlite3"))
    before = path.read_bytes()
    found = verify(path, clock)
    assert found.faults == ()
    assert found.notes[0] == "unsigned until entry 6: its signatures begin behind it"
    assert "6 rules come from imports of old" in found.notes[1]
    assert path.read_bytes() == before
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="new.example"))
        assert [one.action for one in store.audit()][-2:] == ["adopt", "add"]
    found = verify(path, clock)
    assert found.faults == ()
    assert found.notes[0].startswith("unsigned until entry 6")
    edit(path, "UPDATE rule SET row = replace(row, 'who', 'me') WHERE pattern = 'host.example:443'")
    assert verify(path, clock).faults == (
        "the rule host.example:443 was changed: owner who became me",
    )


def test_a_store_of_old_that_was_tampered_with_is_not_taken_over(
    tmp_path: Path, clock: Clock
) -> None:
    path = Path(shutil.copy(OLD, tmp_path / "old.sqlite3"))
    edit(path, "DELETE FROM rule WHERE pattern = 'approved.example:443'")
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="new.example"))
        assert [one.action for one in store.audit()][-2:] == ["reject", "add"]
    assert verify(path, clock).faults == (
        "the rule approved.example:443 is gone, and no entry took it away",
    )


def test_a_table_that_somebody_filled_is_told_in_a_few_lines(path: Path, clock: Clock) -> None:
    with BypassStore(path, clock) as store:
        store.import_rules([RuleRow(host=f"h{n}.example") for n in range(100)], "list")
    edit(path, "DELETE FROM rule")
    faults = verify(path, clock).faults
    assert (len(faults), faults[-1]) == (MOST_TOLD + 1, "and 83 more")
