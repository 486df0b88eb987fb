"""Datagrams out of pieces: in any order, bounded."""

from __future__ import annotations

from itertools import permutations

import pytest

from detector.capture.fragments import Fragments

PIECES = [(0, b"abcdefgh", True), (8, b"ijklmnop", True), (16, b"qr", False)]


@pytest.mark.parametrize("order", list(permutations(PIECES)))
def test_pieces_in_any_order_are_one_datagram(order: tuple[tuple[int, bytes, bool], ...]) -> None:
    fragments = Fragments()
    found = [fragments.add(b"key", place, data, more=more) for place, data, more in order]
    assert found == [None, None, b"abcdefghijklmnopqr"]
    assert fragments.lost == 0


def test_a_piece_that_came_twice_counts_once() -> None:
    fragments = Fragments()
    assert fragments.add(b"key", 0, b"abcdefgh", more=True) is None
    assert fragments.add(b"key", 0, b"XXXXXXXX", more=True) is None
    assert fragments.add(b"key", 8, b"ij", more=False) == b"abcdefghij"


def test_the_oldest_of_too_many_is_given_up() -> None:
    fragments = Fragments()
    for number in range(300):
        fragments.add(number.to_bytes(2, "big"), 0, b"x" * 8, more=True)
    assert fragments.lost == 300 - 256
    assert fragments.add(b"\x01\x2b", 8, b"y", more=False) == b"x" * 8 + b"y"
    assert fragments.add(b"\0\0", 8, b"y", more=False) is None


def test_a_datagram_longer_than_any_is_given_up() -> None:
    fragments = Fragments()
    assert fragments.add(b"key", 65528, b"x" * 100, more=True) is None
    assert fragments.lost == 1
