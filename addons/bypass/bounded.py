"""Tables that hold so many entries and no more."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any


def placed[K, V](table: dict[K, V], key: K, value: V, most: int) -> V:
    """Put `value` in; the entry that came first makes room."""
    if len(table) >= most and key not in table:
        del table[next(iter(table))]
    table[key] = value
    return value


def seated[K, V](table: dict[K, V], key: K, value: V, most: int, rank: Callable[[V], Any]) -> V:
    """Put `value` in; the entries of the lowest rank make room, an eighth of the table at a time.

    For what strangers fill: whoever brings many entries of no rank pushes out his own.
    """
    if len(table) >= most and key not in table:
        shed(table, most // 8 + 1, rank)
    table[key] = value
    return value


def shed[K, V](table: dict[K, V], count: int, rank: Callable[[V], Any]) -> list[V]:
    """Take out the `count` entries of the lowest rank."""
    worst = heapq.nsmallest(count, table, key=lambda key: rank(table[key]))
    return [table.pop(key) for key in worst]
