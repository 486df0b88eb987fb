"""Leaves in the store: one for the same names, the latest stay, and a store of old has none."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addons.bypass.coverage import Leaf
from addons.store.bypass_store import BypassStore
from detector.errors import StoreError

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def leaf(number: int, *names: str) -> Leaf:
    return Leaf(NOW + timedelta(minutes=number), names[0], "203.0.113.10", 443, names)


def test_what_is_written_is_read_and_the_same_names_are_one_row(tmp_path: Path) -> None:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW) as store:
        store.leaves.write([])
        store.leaves.write([leaf(1, "a.test", "b.test"), leaf(2, "c.test", "d.test")])
        store.leaves.write([leaf(3, "a.test", "b.test")])
        assert store.leaves.all() == [leaf(3, "a.test", "b.test"), leaf(2, "c.test", "d.test")]


def test_the_oldest_of_too_many_go(tmp_path: Path) -> None:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW) as store:
        for number in range(9):
            store.leaves.write([leaf(number, f"n{number}.test", "z.test")], most=3)
        assert [one.host for one in store.leaves.all()] == ["n8.test", "n7.test", "n6.test"]


def test_a_damaged_row_is_an_error_of_the_store(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite3"
    with BypassStore(path, lambda: NOW) as store:
        store.leaves.write([leaf(1, "a.test", "b.test")])
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE leaf SET names = '{'")
        with pytest.raises(StoreError, match="malformed leaf"):
            store.leaves.all()


def test_a_store_of_old_that_may_not_be_written_has_none(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite3"
    BypassStore(path, lambda: NOW).close()
    with contextlib.closing(sqlite3.connect(path)) as other, other:
        other.execute("DROP TABLE leaf")
        other.execute("PRAGMA user_version = 2")
    with BypassStore(path, lambda: NOW, read_only=True) as store:
        assert store.leaves.all() == []
