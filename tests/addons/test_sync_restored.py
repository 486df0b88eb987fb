"""A gateway's store that is put back from a copy, while its centre goes on."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from addons.store.backup import back_up, check
from addons.store.restoring import restore
from tests.addons.conftest import Clock
from tests.addons.sync_places import CentrePlace, GatewayPlace, close_all, pinned


@pytest.fixture(autouse=True)
def _closed() -> Generator[None]:
    yield
    close_all()


class Pair:
    """A centre, and a gateway of which copies are made."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.centre = CentrePlace(folder, self.clock)
        self.centre.passes("bank.example")
        self.north = GatewayPlace(folder / "north", self.clock, self.centre.enrol("north"))
        self.copy = folder / "copy"

    def rounds(self) -> None:
        for one in (self.centre, self.north, self.centre, self.north, self.centre, self.north):
            one.round()

    def see(self, host: str) -> None:
        self.north.sees(pinned(host, "10.0.0.1", at=self.clock()))

    def back_up(self) -> None:
        back_up(self.north.path, self.copy, self.clock(), {}, version="1")
        assert check(self.copy, self.clock()).faults == ()

    def put_back(self) -> None:
        close_all()
        restore(self.copy, self.north.path, "test", self.clock, "bob", {})
        self.centre.open()
        self.north.open()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_what_came_from_the_centre_is_known_as_its_own_after_a_copy_was_put_back(
    pair: Pair,
) -> None:
    pair.rounds()
    pair.back_up()
    pair.centre.store.remove_rule("bank.example", "sold")
    pair.rounds()
    assert pair.north.patterns == set()
    pair.put_back()
    assert pair.north.patterns == {"bank.example"}
    pair.rounds()
    assert pair.north.patterns == set()


@pytest.mark.parametrize("is_gone", [False, True])
def test_nothing_is_told_the_centre_twice_after_a_copy_was_put_back(
    pair: Pair, is_gone: bool
) -> None:
    pair.rounds()
    pair.see("a.example")
    pair.north.round()  # a batch waits in the copy
    pair.back_up()
    pair.rounds()
    pair.see("b.example")
    pair.rounds()
    told = pair.centre.count("a.example"), pair.centre.count("b.example")
    assert told == (3, 3)
    if is_gone:
        pair.north.path.unlink()
    pair.put_back()
    pair.rounds()
    assert (pair.centre.count("a.example"), pair.centre.count("b.example")) == told
    pair.see("c.example")
    pair.rounds()
    assert pair.centre.count("c.example") == 3


def test_a_copy_of_before_it_was_a_gateway_leaves_nothing_of_one(pair: Pair) -> None:
    pair.back_up()
    pair.rounds()
    pair.see("a.example")
    pair.north.round()
    pair.put_back()
    assert (pair.north.store.gateways.joined(), pair.north.store.gateways.waiting()[0]) == (None, 0)
    pair.rounds()
    assert pair.north.patterns == {"bank.example"}
