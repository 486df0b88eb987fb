"""What passed, by host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from addons.store.bypass_store import BypassStore
from addons.store.traffic import Passage

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_hosts_are_counted_by_rule_and_since_a_day(tmp_path: Path) -> None:
    with BypassStore(tmp_path / "b.sqlite3", lambda: NOW) as store:
        assert (store.passed.total(), store.passed.hosts()) == ((0, 0), [])
        old = NOW - timedelta(days=40)
        store.traffic.write(
            [],
            [
                Passage(NOW, "a.test", ".test", 1, 10, 1.0), Passage(old, "a.test", ".test", 1, 10, 1.0),
                Passage(NOW, "a.test", "a.test", 1, 1, 1.0), Passage(NOW, "b.test", ".test", 5, 500, 1.0),
            ],
        )  # fmt: skip
        by_rule = [(one.host, one.connections, one.bytes) for one in store.passed.by_rule(".test")]
        assert by_rule == [("b.test", 1, 505), ("a.test", 2, 22)]
        late = store.passed.to("a.test", "2026-11-01")
        assert {one.rule: one.bytes for one in late} == {".test": 11, "a.test": 2}
        assert store.passed.total() == (4, 529)
        assert store.passed.hosts() == ["a.test", "b.test"]
