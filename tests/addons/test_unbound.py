"""Counts of names that were asked for where they are not."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addons.store.bypass_store import BypassStore
from addons.store.unbound import MOST, Unbound

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def seen(name: str, where: str = "192.0.2.66:443", minutes: float = 0) -> Unbound:
    at = NOW + timedelta(minutes=minutes)
    return Unbound(at, name, where, name, f"asked for {name} at {where}")


@pytest.fixture
def store(tmp_path: Path) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW) as opened:
        yield opened


def test_the_same_name_at_the_same_place_is_counted_and_the_latest_comes_first(
    store: BypassStore,
) -> None:
    store.unbound.write([seen("bank.test"), seen("bank.test"), seen("shop.test")])
    store.unbound.write([seen("bank.test", minutes=5), seen("bank.test", "192.0.2.67:443", 1)])
    found = [(one.name, one.where, one.count) for one in store.unbound.counts()]
    assert found[0] == ("bank.test", "192.0.2.66:443", 3)
    assert len(found) == 3
    assert store.unbound.counts()[0].last == NOW + timedelta(minutes=5)


def test_a_flood_of_names_leaves_the_latest(store: BypassStore) -> None:
    for batch in range(5):
        store.unbound.write([seen(f"n{batch}.{n}.test", minutes=batch) for n in range(1000)])
    store.unbound.write([seen("bank.test", minutes=9)])
    found = store.unbound.counts(10_000)
    assert found[0].name == "bank.test"
    assert len(found) == MOST
