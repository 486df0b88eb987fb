"""The worst of many, whatever the order in which they come."""

from __future__ import annotations

from random import Random

from detector.report.worst import Worst


def test_the_worst_are_kept_and_the_others_counted() -> None:
    kept: Worst[int] = Worst(10)
    ranks = list(range(1000))
    Random(7).shuffle(ranks)
    for rank in ranks:
        kept.add(rank, lambda rank=rank: rank)
    assert kept.all == list(range(10))
    assert kept.left_out == 990


def test_of_equals_the_first_stay() -> None:
    kept: Worst[str] = Worst(2)
    for name in ("a", "b", "c"):
        kept.add(1, lambda name=name: name)
    assert kept.all == ["a", "b"]


def test_what_is_not_kept_is_not_made() -> None:
    made: list[int] = []
    kept: Worst[None] = Worst(1)
    for rank in (1, 2, 3):
        kept.add(rank, lambda rank=rank: made.append(rank))
    assert made == [1]
