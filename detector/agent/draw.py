"""Whom one run asks: canaries that nobody can foresee, and the next part of the own list. Pure.

An interceptor that spares what checks ask for must know it before. So each run draws anew from several hundred hosts,
each of another owner, from a source of chance that the caller brings (and that is the system's own, not a seed).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from random import Random
from typing import Protocol


class CanaryRow(Protocol):
    """A host that everybody knows to be public, and whose it is."""

    @property
    def host(self) -> str: ...

    @property
    def owner(self) -> str: ...


def draw(
    rows: Iterable[CanaryRow], count: int, chance: Random, without: Collection[str] = ()
) -> tuple[str, ...]:
    """At most `count` hosts of as many owners, in a random order; `without` are hosts that are left out."""
    by_owner: dict[str, list[str]] = {}
    for row in rows:
        if row.host not in without:
            by_owner.setdefault(row.owner.casefold(), []).append(row.host)
    owners = chance.sample(sorted(by_owner), min(count, len(by_owner)))
    return tuple(chance.choice(by_owner[owner]) for owner in owners)


def part_of[T](whole: Sequence[T], start: int, count: int) -> tuple[tuple[T, ...], int]:
    """`count` of a list from `start` on, around its end, and where the next run goes on."""
    if not whole or count < 1:
        return (), start
    if count >= len(whole):
        return tuple(whole), 0
    start %= len(whole)
    turned = (*whole[start:], *whole[:start])
    return tuple(turned[:count]), (start + count) % len(whole)
