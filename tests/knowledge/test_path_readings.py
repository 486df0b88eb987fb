"""Readings of paths stay, a row a kind, by network; and old histories learn to keep them."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from detector.errors import StoreError
from detector.knowledge.history import KEPT, History
from detector.knowledge.path_readings import MAX_STATES, PathReadings
from detector.model.paths import PathReading
from tests.conftest import NOW

HERE, THERE = "aa" * 16, "bb" * 16
PUBLIC = PathReading(verdict="direct", alpn="h2", server_hello=(43, 51))
SQUID = PathReading(verdict="intercepted", who="Squid")


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Generator[PathReadings]:
    with closing(PathReadings(tmp_path / "history.sqlite3", clock)) as found:
        yield found


def test_what_is_seen_again_is_one_row_that_counts(kept: PathReadings, clock: Clock) -> None:
    for _ in range(3):
        kept.keep(HERE, [("a.example:443", PUBLIC)])
        clock.later(hours=1)
    ((one,),) = kept.earlier("a.example:443").values()
    assert (one.reading, one.times) == (PUBLIC, 3)
    assert (one.first, one.last) == (NOW, NOW + timedelta(hours=2))


def test_networks_and_targets_are_kept_apart(kept: PathReadings) -> None:
    kept.keep(HERE, [("a.example:443", PUBLIC), ("b.example:443", SQUID)])
    kept.keep(THERE, [("a.example:443", SQUID)])
    found = kept.earlier("a.example:443")
    assert {network: one[0].reading for network, one in found.items()} == {
        HERE: PUBLIC,
        THERE: SQUID,
    }
    assert kept.earlier("c.example:443") == {}


def test_a_network_has_the_last_name_it_was_given(kept: PathReadings, clock: Clock) -> None:
    assert kept.note(HERE).title == "network aaaaaa"
    assert kept.note(HERE, "home").title == "home"
    clock.later(hours=1)
    found = kept.note(HERE)
    assert (found.title, found.seen) == ("home", NOW + timedelta(hours=1))
    assert kept.networks() == (found,)


def test_to_forget_takes_the_readings_with_it(kept: PathReadings) -> None:
    for network in (HERE, THERE):
        kept.note(network)
        kept.keep(network, [("a.example:443", PUBLIC)])
    assert kept.forget([HERE]) == 1
    assert kept.earlier("a.example:443").keys() == {THERE}
    assert [one.id for one in kept.networks()] == [THERE]
    assert kept.counts() == {THERE: (1, 1)}


def test_of_one_host_that_never_looks_the_same_the_latest_rows_stay(
    kept: PathReadings, clock: Clock
) -> None:
    for number in range(3 * MAX_STATES):
        kept.keep(HERE, [("a.example:443", PathReading(verdict="direct", issuer=f"CN={number}"))])
        clock.later(minutes=1)
    (found,) = kept.earlier("a.example:443").values()
    assert len(found) == MAX_STATES
    assert found[-1].reading.issuer == f"CN={3 * MAX_STATES - 1}"


def test_after_its_time_a_reading_is_gone_and_a_name_stays(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "history.sqlite3"
    with closing(PathReadings(path, clock)) as kept:
        for network, name in ((HERE, "home"), (THERE, None)):
            kept.note(network, name)
            kept.keep(network, [("a.example:443", PUBLIC)])
        clock.at += KEPT + timedelta(days=1)
        assert kept.earlier("a.example:443") == {}
    with closing(PathReadings(path, clock)) as kept:
        assert [one.name for one in kept.networks()] == ["home"]
        assert kept.counts() == {}


def test_a_row_that_somebody_broke_is_left_out_and_a_broken_time_of_a_network_is_one_error(
    tmp_path: Path, kept: PathReadings
) -> None:
    kept.keep(HERE, [("a.example:443", PUBLIC)])
    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as db, db:
        for body, first in ((b"{", NOW.isoformat()), (b'{"verdict":"direct"}', "soon")):
            db.execute(
                "INSERT INTO path VALUES (?, 'a.example:443', ?, ?, ?, 1)",
                (HERE, body, first, NOW.isoformat()),
            )
        db.execute("INSERT INTO network VALUES ('x', '', 'soon')")
    (found,) = kept.earlier("a.example:443").values()
    assert [one.reading for one in found] == [PUBLIC]
    with pytest.raises(StoreError, match="history cannot be used"):
        kept.networks()


def test_check_and_watch_path_use_one_file_at_once(tmp_path: Path, kept: PathReadings) -> None:
    with closing(History(tmp_path / "history.sqlite3", lambda: NOW)) as history:
        history.keep_signers([b"key"])
        kept.keep(HERE, [("a.example:443", PUBLIC)])
        assert history.signers() == (b"key",)
