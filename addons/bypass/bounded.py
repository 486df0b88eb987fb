"""Tables that hold so many entries and no more."""

from __future__ import annotations


def placed[K, V](table: dict[K, V], key: K, value: V, most: int) -> V:
    """Put `value` in; the entry that came first makes room."""
    if len(table) >= most and key not in table:
        del table[next(iter(table))]
    table[key] = value
    return value
