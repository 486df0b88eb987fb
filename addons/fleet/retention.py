"""What is cleared away: old events, findings long closed, networks where nobody has been, agents long gone.

An event that an open finding rests on stays as long as the finding is open, however old. Deleting goes in small
transactions: the collector's batches wait for each of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from addons.fleet.database import FleetDatabase, Row, Value
from addons.fleet.taking import stamp

_STEP = 2000
# An agent that is gone for good is told as silent for so long.
_GONE = timedelta(days=400)
_RESTS = (
    "NOT EXISTS (SELECT 1 FROM finding WHERE finding.device = event.device AND finding.id = event.finding "
    "AND finding.event = event.id AND finding.closed IS NULL)"
)
# Table, its key, what may go.
_OLD = (
    ("event", ("id",), f"at < ? AND {_RESTS}"),
    ("finding", ("device", "id"), "closed < ?"),
    ("correlation", ("id",), "closed < ?"),
    ("answer", ("question", "device"), "at < ?"),
    ("refused", ("device", "why"), "last < ?"),
    ("network", ("id",), "last < ? AND label = ''"),
)


async def prune(database: FleetDatabase, now: datetime, days: int, most: int) -> None:
    """Clear away what is older than so many days, and what is more than so many events. Raises StoreError."""
    horizon = stamp(now - timedelta(days=days))
    for table, key, where in _OLD:
        await _clear(database, table, key, where, horizon)
    gone = "last < ? AND revoked IS NULL"
    await _clear(database, "agent", ("device",), gone, stamp(now - _GONE))
    found = await database.read("SELECT at FROM event ORDER BY at DESC LIMIT 1 OFFSET ?", most)
    if found:
        await _clear(database, "event", ("id",), f"at < ? AND {_RESTS}", found[0][0])


async def _clear(
    database: FleetDatabase, table: str, key: tuple[str, ...], where: str, value: Value
) -> None:
    columns = ", ".join(key)
    query = f"SELECT {columns} FROM {table} WHERE {where} LIMIT {_STEP}"  # noqa: S608 (literals of this file)
    delete = f"DELETE FROM {table} WHERE {' AND '.join(f'{one} = ?' for one in key)}"  # noqa: S608
    while rows := await database.read(query, value):
        gone: list[Row] = list(rows)
        await database.write([(delete, gone)])
