"""The hosts of the most bytes: right for whatever the table holds."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addons.store.bypass_store import BypassStore
from tests.addons.conftest import START, Clock

DAY = date(2026, 11, 23)
ROWS = st.dictionaries(
    st.tuples(st.integers(0, 5), st.integers(0, 40), st.sampled_from(("a", "b"))),
    st.integers(0, 10) | st.integers(0, 10**12), max_size=200,
)  # fmt: skip


def filled(store: BypassStore, rows: dict[tuple[int, int, str], int]) -> None:
    with store._db:
        store._db.execute("DELETE FROM passage_day")
        store._db.executemany(
            "INSERT INTO passage_day VALUES (?, ?, ?, 1, 0, ?, 1.0, ?)",
            [
                ((DAY - timedelta(days=ago)).isoformat(), f"h{host}", rule, size, START.isoformat())
                for (ago, host, rule), size in rows.items()
            ],
        )


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(ROWS, st.integers(1, 4), st.integers(0, 5))
def test_they_are_the_largest_sums(
    tmp_path: Path, rows: dict[tuple[int, int, str], int], limit: int, ago: int
) -> None:
    sums, counts = Counter[str](), Counter[str]()
    for (one, host, _), size in rows.items():
        if one <= ago:
            sums[f"h{host}"] += size
            counts[f"h{host}"] += 1
    wanted = sorted(counts, key=lambda host: (-sums[host], host))[:limit]
    with BypassStore(tmp_path / "b", Clock()) as store:
        filled(store, rows)
        found = store.traffic.top((DAY - timedelta(days=ago)).isoformat(), limit)
    assert [(one.host, one.down, one.connections) for one in found] == [
        (host, sums[host], counts[host]) for host in wanted
    ]


def test_the_rules_of_a_host_are_named_and_bytes_of_both_ways_count(
    tmp_path: Path, clock: Clock
) -> None:
    with BypassStore(tmp_path / "b", clock) as store:
        filled(store, {(0, 1, "a"): 5, (0, 1, "b"): 5, (0, 2, "a"): 9})
        store._db.execute("UPDATE passage_day SET up = 100 WHERE host = 'h2'")
        first, second = store.traffic.top(DAY.isoformat())
        assert (first.host, first.up, first.down) == ("h2", 100, 9)
        assert set(second.rules) == {"a", "b"}
        assert store.traffic.top((DAY + timedelta(days=1)).isoformat()) == []


def test_a_store_of_old_has_them_too(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "b"
    with BypassStore(path, clock) as store:
        filled(store, {(0, 1, "a"): 5})
        for index in ("passage_size", "passage_host"):
            store._db.execute(f"DROP INDEX {index}")
        store._db.execute("PRAGMA user_version = 3")
    with BypassStore(path, clock, read_only=True) as store:
        assert [one.host for one in store.traffic.top(DAY.isoformat())] == ["h1"]
