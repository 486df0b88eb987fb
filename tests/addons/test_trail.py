"""An entry belongs to its change, and its head leaves the file only once it is there to stay."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from addons.bypass.audit import Actor, is_signed
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from detector.errors import ConfigError
from tests.addons.conftest import Clock


def test_each_entry_is_signed_and_says_who_ran_the_process(tmp_path: Path, clock: Clock) -> None:
    environment = {"LOGNAME": "boss", "SUDO_UID": "1001"}
    with BypassStore(tmp_path / "b", clock, "boss", environment=environment) as store:
        store.add_rule(RuleRow(host="a.example"))
        (entry,) = store.audit()
        key = store.trail.seal.public_key()
    assert entry.who is not None
    assert entry.signature is not None
    assert msgspec.json.decode(entry.who, type=Actor).sudo_uid == "1001"
    assert is_signed(entry.number, entry.digest, entry.signature, key or "")


def test_what_was_rolled_back_leaves_no_head(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.add_rule(RuleRow(host="a.example"))
        before = store.trail.seal.heads()
        with pytest.raises(ConfigError):
            store.add_rule(RuleRow(host="a.example"))
        store.trail.publish()
        assert store.trail.seal.heads() == before


def test_heads_that_cannot_be_kept_are_told_and_cost_no_decision(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        store.trail.seal.heads_path.mkdir()
        store.add_rule(RuleRow(host="a.example"))
        assert len(list(store.audit())) == 1
    assert "the last head of the audit trail is not kept" in caplog.text


def test_the_latest_entries_come_in_their_order(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        assert not store.trail.is_unsigned()
        for n in range(5):
            store.add_rule(RuleRow(host=f"h{n}.example"))
        assert [one.number for one in store.trail.entries(last=2)] == [4, 5]
        assert [one.number for one in store.trail.entries()] == [1, 2, 3, 4, 5]
        assert not store.trail.is_unsigned()
        assert store.trail.is_there()


def test_a_table_that_somebody_dropped_is_told(tmp_path: Path, clock: Clock) -> None:
    BypassStore(tmp_path / "b", clock).close()
    with closing(sqlite3.connect(tmp_path / "b")) as db:
        db.execute("DROP TABLE audit")
    with BypassStore(tmp_path / "b", clock, read_only=True) as store:
        assert not store.trail.is_there()
