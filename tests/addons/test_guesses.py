"""Guessing gets slower for who guesses, and for nobody else."""

from __future__ import annotations

import pytest

from addons.review.guesses import CROWD, FREE, LOCK, LONGEST, SLOWEST, Guesses, address_of


class Ticks:
    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def guesses(ticks: Ticks) -> Guesses:
    return Guesses(ticks)


def test_an_address_waits_longer_with_each_wrong_guess(guesses: Guesses, ticks: Ticks) -> None:
    for _ in range(FREE - 1):
        guesses.wrong("m")
        assert guesses.locked("m") == 0
    waited = []
    for _ in range(8):
        guesses.wrong("m")
        waited.append(guesses.locked("m"))
        ticks.at += waited[-1]
        assert guesses.locked("m") == 0
    assert waited == [LOCK, 60, 120, 240, 480, LONGEST, LONGEST, LONGEST]
    assert guesses.locked("other") == 0


def test_an_hour_and_the_right_one_forgive(guesses: Guesses, ticks: Ticks) -> None:
    for _ in range(FREE):
        guesses.wrong("m")
    ticks.at += 3601
    guesses.wrong("m")
    assert guesses.locked("m") == 0
    for _ in range(FREE):
        guesses.wrong("m")
    guesses.right("m")
    assert guesses.locked("m") == 0


def test_a_crowd_slows_strangers_down_and_locks_nobody(guesses: Guesses, ticks: Ticks) -> None:
    for n in range(CROWD):
        guesses.wrong(f"192.0.2.{n}")
    assert guesses.delay() < 0.06
    for n in range(5000):
        guesses.wrong(f"2001:db8:{n:x}::/64")
    assert guesses.delay() == SLOWEST
    assert guesses.locked("new") == 0
    ticks.at += 2 * 3600
    assert guesses.delay() < 0.06


def test_a_million_addresses_take_no_more_room_than_ten_thousand(guesses: Guesses) -> None:
    for n in range(12_000):
        guesses.wrong(str(n))
    assert len(guesses._counts) == 10_000


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_network_of_one_customer_is_one_address(host: str, address: str) -> None:
    assert address_of(host) == address
