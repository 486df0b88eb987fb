"""The hosts of the most bytes that passed, out of a table of a million rows.

Theory of operation
-------------------
Each day's first rows are looked at by an index, and the exact sums are made of the hosts that come out best. What was not
looked at is on no day larger than that day's last row that was. Where even so it could add up to more than the least
of the result, all of it is summed, which takes seconds for a million rows. Traffic is uneven enough that this does not
come about; a host that passes by more than _RULES rules on one day could be missed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

import msgspec

_USE = (
    "SELECT host, sum(connections), sum(up), sum(down), max(last), json_group_array(DISTINCT rule)"
    " FROM passage_day"
)
# Rules by which a host passes on one day, as far as the quick way to the top goes.
_RULES = 4


class HostUse(msgspec.Struct, frozen=True):
    """What passed to one host.

    Attributes:
        rules: the patterns that let it.

    """

    host: str
    connections: int
    up: int
    down: int
    last: datetime
    rules: tuple[str, ...]


def largest(db: sqlite3.Connection, since: str, limit: int) -> list[HostUse]:
    """Those from that day on, most bytes first."""
    last = db.execute("SELECT max(day) FROM passage_day").fetchone()[0]
    there = "SELECT 1 FROM sqlite_schema WHERE name = 'passage_size'"
    if last is not None and db.execute(there).fetchone() is not None:
        for depth in (10 * limit, 40 * limit):
            found = _quickly(db, [*_days(since, last)], limit, depth)
            if found is not None:
                return found
    query = f"{_USE} WHERE day >= ? GROUP BY host ORDER BY sum(up + down) DESC, host LIMIT ?"
    return _uses(db.execute(query, (since, limit)))


def _quickly(
    db: sqlite3.Connection, days: Sequence[str], limit: int, depth: int
) -> list[HostUse] | None:
    """The same out of the first rows of each day; None where that would not be certain."""
    seen: dict[str, int] = {}
    behind = 0  # what one row a day can bring at most that was not looked at
    query = (
        "SELECT host, up + down FROM passage_day INDEXED BY passage_size WHERE day = ?"
        " ORDER BY up + down DESC LIMIT ?"
    )
    for day in days:
        rows = db.execute(query, (day, depth)).fetchall()
        behind += rows[-1][1] if len(rows) == depth else 0
        for host, size in rows:
            seen[host] = seen.get(host, 0) + size
    best = sorted(seen, key=lambda host: -seen[host])
    taken, rest = best[: 2 * limit], best[2 * limit :]
    query = (
        f"{_USE} INDEXED BY passage_host WHERE host IN ({_marks(taken)})"
        " AND day >= ? GROUP BY host ORDER BY sum(up + down) DESC, host"
    )
    since = days[0] if days else ""
    found = _uses(db.execute(query, (*taken, since)))[:limit]
    least = found[-1].up + found[-1].down if len(found) == limit else 0
    others = max((seen[host] for host in rest), default=0)
    # Where it is a draw, the name decides.
    is_certain = others + behind * _RULES < least or not (rest or behind)
    return found if is_certain else None


def _uses(rows: Iterable[tuple[str, int, int, int, str, str]]) -> list[HostUse]:
    return [
        HostUse(
            host, count, up, down, datetime.fromisoformat(last),
            msgspec.json.decode(rules, type=tuple[str, ...]),
        )
        for host, count, up, down, last, rules in rows
    ]  # fmt: skip


def _marks(values: Sequence[str]) -> str:
    """For values one by one: SQLite's JSON ends a name at its first NUL, and a client may say one."""
    return ", ".join("?" * len(values))


def _days(first: str, last: str) -> Iterator[str]:
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    while day <= end:
        yield day.isoformat()
        day += timedelta(days=1)
