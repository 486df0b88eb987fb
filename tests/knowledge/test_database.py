"""An SQLite file of ours: what stops it is one error with a remedy, and who only reads leaves nothing behind."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from detector.errors import StoreError
from detector.knowledge.database import Database

FIRST = "CREATE TABLE a (b TEXT) STRICT"
SECOND = "ALTER TABLE a ADD COLUMN c TEXT"


def opened(path: Path, *migrations: str, **more: object) -> Database:
    return Database(path, "store", "take another", migrations or (FIRST,), **more)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_file_is_made_migrated_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x"
    opened(path).close()
    db = opened(path, FIRST, SECOND)
    db.db.execute("INSERT INTO a VALUES ('1', '2')")
    db.close()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StoreError, match="is of version 2, this tlsight knows 1; update tlsight"):
        opened(path)


def test_a_place_where_no_file_can_be_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as told:
        opened(tmp_path / "file" / "in" / "x")
    assert str(told.value).endswith(": store cannot be used: Not a directory; take another")


def test_who_reads_briefly_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "x"
    opened(path).close()
    before = path.stat().st_mtime_ns
    db = opened(path, read_only=True, brief=True)
    assert db.db.execute("SELECT * FROM a").fetchall() == []
    assert names(tmp_path) == ["x"]
    db.close()
    assert (names(tmp_path), path.stat().st_mtime_ns) == (["x"], before)


def test_late_changes_of_who_has_it_open_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "x"
    writer = opened(path)
    with writer.db:
        writer.db.execute("INSERT INTO a VALUES ('late')")
    reader = opened(path, read_only=True, brief=True)
    assert reader.db.execute("SELECT b FROM a").fetchall() == [("late",)]
    reader.close()
    writer.close()


def test_an_older_file_is_read_as_it_is_where_that_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "x"
    opened(path).close()
    with pytest.raises(StoreError, match="is of version 1, 2 is needed"):
        opened(path, FIRST, SECOND, read_only=True)
    before = path.read_bytes()
    opened(path, FIRST, SECOND, read_only=True, brief=True, oldest=1).close()
    assert path.read_bytes() == before
    (tmp_path / "empty").touch()
    with pytest.raises(StoreError, match="is empty"):
        opened(tmp_path / "empty", read_only=True, brief=True, oldest=1)


def test_a_file_that_is_not_there_is_empty_only_where_that_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(StoreError, match="there is no store here; take another"):
        opened(path, read_only=True, brief=True)
    db = opened(path, read_only=True, brief=True, or_empty=True)
    assert db.db.execute("SELECT * FROM a").fetchall() == []
    db.close()
    assert names(tmp_path) == []


def test_a_lock_that_lasts_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "x"
    opened(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked; another program is writing it: try again"):
            opened(path, FIRST, SECOND)


def test_a_migration_that_fails_leaves_the_file_as_it_was_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "x"
    opened(path).close()
    with pytest.raises(StoreError, match="syntax error"):
        opened(path, FIRST, f"{SECOND}; NONSENSE")
    # ROLLBACK is part of some errors of SQLite: the transaction is over then, and the error is the first one.
    with pytest.raises(StoreError, match="CHECK constraint failed"):
        opened(
            path,
            FIRST,
            "CREATE TABLE d (e INTEGER CHECK (e > 1)); INSERT OR ROLLBACK INTO d VALUES (0)",
        )
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
