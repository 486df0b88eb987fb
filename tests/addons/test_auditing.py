"""What tells of a store when its file is gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from addons.bypass.head_line import head_line
from addons.bypass.rule import RuleRow
from addons.store.auditing import audited, left_behind
from addons.store.bypass_store import BypassStore
from addons.store.syslog import store_name
from tests.addons.conftest import Clock


def test_the_heads_beside_the_key_and_a_log_tell_of_a_store_that_is_gone(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "b.sqlite3"
    with BypassStore(path, clock) as store:
        seal = store.trail.seal
        assert left_behind(seal, path) == []
        store.add_rule(RuleRow(host="a.example"))
        (entry,) = store.audit()
        assert audited(store, clock()).faults == ()
    gone = ["the store is gone, and entry 1 was signed here"]
    assert left_behind(seal, path) == gone
    line = head_line(seal.sign(1, entry.digest), entry, store=store_name(path), host="h", process=1)
    seal.heads_path.unlink()
    assert left_behind(seal, path) == []
    assert left_behind(seal, path, [line.decode()]) == gone


def test_a_trigger_or_a_view_that_somebody_left_is_told(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "b.sqlite3"
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="a.example"))
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TRIGGER later AFTER INSERT ON attempt BEGIN DELETE FROM rule; END")
        assert audited(store, clock()).faults == (
            "the file has a trigger later, which tlsight never makes",
        )
        with closing(sqlite3.connect(path)) as db:
            db.executescript("DROP TRIGGER later; DROP TABLE audit; CREATE VIEW audit AS SELECT 1")
        assert audited(store, clock()).faults == (
            "the trail is missing: there is no such table",
            "the file has a view audit, which tlsight never makes",
        )
