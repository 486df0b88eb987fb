"""Attempts and counts in the store: bounded, and real hosts stay whatever a flood does."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from addons.bypass.attempt import Attempt
from addons.bypass.learning import replay
from addons.bypass.weighing import LearningOptions
from addons.store import traffic as module
from addons.store.bypass_store import BypassStore
from addons.store.schema import MIGRATIONS
from addons.store.traffic import Passage
from detector.model.targets import normal_host
from tests.addons.conftest import START, Clock
from tests.addons.learning_attacks import EVIL, VICTIM, honest, refuses, trusts

DAY = timedelta(days=1)
# A budget for what the shipped one changes nothing of but the time that it takes.
SMALL = 20_000


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Generator[BypassStore]:
    with BypassStore(tmp_path / "b.sqlite3", clock) as opened:
        yield opened


def rows(store: BypassStore, table: str) -> int:
    return int(store._one(f"SELECT count(*) FROM {table}"))


def flood(store: BypassStore, attempts: list[Attempt], most: int = module.MAX_ATTEMPTS) -> None:
    """As the keeper does: prune as soon as it is crowded."""
    for first in range(0, len(attempts), 2000):
        store.traffic.write(attempts[first : first + 2000], [])
        if store.traffic.crowded():
            store.traffic.prune(START, most=most, counts=most)


def made_up(count: int, *, bound: bool, clients: int = 1) -> list[Attempt]:
    return [
        refuses(f"10.1.{n % clients // 256}.{n % clients % 256}", START, f"h{n}.made-up.test",
                address=EVIL, bound=bound)
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "bound", "clients"),
    [
        # What is not bound has a smaller budget of its own, and is crowded sooner.
        (module.MAX_UNBOUND + module._CROWD + 10_000, False, 1),
        (SMALL + module._CROWD + 10_000, True, 1),
        (module.MAX_ATTEMPTS + 10_000, True, 3000),
    ],
)
def test_a_day_of_made_up_names_leaves_the_attempts_and_counts_of_real_hosts(
    store: BypassStore, names: int, bound: bool, clients: int
) -> None:
    most = min(names, module.MAX_ATTEMPTS) if clients > 1 or not bound else SMALL
    before = [
        trusts(f"10.0.0.{n % 9}", START - DAY * (n % 5), f"site{n % 40}.test") for n in range(400)
    ]
    store.traffic.write([*before, *honest("ann", "ben", at=START)], [])
    flood(store, made_up(names, bound=bound, clients=clients), most)
    store.traffic.prune(START, most=most, counts=most)
    assert rows(store, "attempt") <= most
    assert rows(store, "attempt_day") <= most + module.MAX_UNBOUND + 10
    kept = list(store.traffic.attempts())
    assert sum(a.host.startswith("site") for a in kept) == 400
    (found,) = replay(
        (a for a in kept if a.host in (VICTIM, "shop.test")), LearningOptions(), None
    ).candidates
    assert found.may_try
    assert sum(store.traffic.classes(VICTIM, "2026-11-01")["2026-11-23"].values()) == 6
    assert all(store.traffic.classes(f"site{n}.test", "2026-11-01") for n in range(40))
    assert store.traffic.totals() == {"refused": names + 6, "trusted": 402}  # whatever was folded


def test_unbound_attempts_have_a_budget_of_their_own(store: BypassStore) -> None:
    store.traffic.write(honest("ann", "ben", at=START), [])
    flood(store, made_up(module._CROWD + 10, bound=False))
    assert rows(store, "attempt WHERE bound = 0") <= module.MAX_UNBOUND + 2000
    assert rows(store, "attempt WHERE bound = 1") == 8
    assert rows(store, "attempt_day WHERE bound = 0") <= module.MAX_UNBOUND + 2000


def test_one_client_that_repeats_itself_goes_first(store: BypassStore) -> None:
    store.traffic.write(honest("ann", "ben", at=START), [])
    store.traffic.write([refuses("10.0.0.66", START)] * 500, [])
    store.traffic.write([refuses("10.0.0.67", START, "other.test", user="eve")] * 500, [])
    store.traffic.prune(START, most=40)
    kept = list(store.traffic.attempts())
    assert len(kept) == 40
    assert sum(a.user in ("ann", "ben") for a in kept) == 8


def test_names_made_up_below_a_rule_are_folded_and_its_use_stays(store: BypassStore) -> None:
    passages = [Passage(START, f"h{n}.apple.test", ".apple.test", 1, 2, 0.5) for n in range(200)]
    store.traffic.write(
        [], [*passages, *[Passage(START, "www.apple.test", ".apple.test", 1, 2, 0.5)] * 9]
    )
    store.traffic.prune(START, counts=50)
    use = store.traffic.uses()[".apple.test"]
    assert (use.connections, use.up, use.down) == (209, 209, 418)
    assert rows(store, "passage_day") == 51
    assert rows(store, "passage_day WHERE host = 'www.apple.test'") == 1


def test_hosts_names_none_that_was_folded(store: BypassStore) -> None:
    store.traffic.write(made_up(module.MAX_UNBOUND + 10, bound=False), [])
    store.traffic.write([trusts("10.0.0.1", START, normal_host("shop.test"))], [])
    store.traffic.prune(START)
    found = store.traffic.hosts(1_000_000)
    assert "" not in found
    assert "shop.test" in found
    assert len(found) == module.MAX_UNBOUND + 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_earlier_version_opens_with_its_attempts(
    version: int, tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "old.sqlite3"
    old = sqlite3.connect(path)
    for script in MIGRATIONS[:version]:
        old.executescript(script)
    body = (
        '{"at":"2026-11-23T09:00:00Z","side":"client","host":"bank.example","port":443,'
        '"client":"10.0.0.1","outcome":"failed","alert":46,"alert_by":"client"}'
    )
    for _ in range(3):
        old.execute("INSERT INTO attempt (at, host, body) VALUES (?, ?, ?)",
                    ("2026-11-23T09:00:00+00:00", "bank.example", body))  # fmt: skip
    day = ("2026-11-23", "bank.example", "client", "refused", 3)
    old.execute("INSERT INTO attempt_day VALUES (?, ?, ?, ?, ?)", day)
    old.execute(f"PRAGMA user_version = {version}")
    old.commit()
    old.close()
    with BypassStore(path, clock, read_only=True) as opened:
        assert opened.traffic.hosts() == ["bank.example"]
        assert len(list(opened.traffic.attempts())) == 3
    with BypassStore(path, clock) as opened:
        assert [a.bound for a in opened.traffic.attempts()] == [None] * 3
        opened.traffic.write(made_up(100, bound=False), [])
        opened.traffic.write([replace(refuses("10.0.0.1", START), host="bank.example")], [])
        opened.traffic.prune(START)
        assert len(list(opened.traffic.attempts("bank.example"))) == 4
        assert opened.traffic.classes("bank.example", "2026-11-01") == {
            "2026-11-23": {"refused": 4}
        }
