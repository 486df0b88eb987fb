"""Agents that were enrolled and never told anything: what blocks an agent from its first day leaves no other trace.

Who is enrolled is in the fleet's folder, what was heard is in the database. Where the folder is not on this machine it is
not known, which is None and never "nobody".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from addons.fleet.database import FleetDatabase
from addons.fleet.members import Member, Members

# An agent that has just been enrolled is about to speak.
_SOON = timedelta(minutes=5)
_AGAIN = 30.0
Enrolled = Callable[[], list[Member] | None]


def enrolled(folder: Path) -> list[Member] | None:
    """Agents that are enrolled, without the revoked; None where the fleet's folder is not there. Raises StoreError."""
    path = folder / "members.sqlite3"
    if not path.is_file():
        return None
    members = Members(path)
    try:
        return [one for one in members.all("agent") if one.revoked is None]
    finally:
        members.close()


async def unheard(
    database: FleetDatabase, members: Iterable[Member], now: datetime
) -> list[Member]:
    """Those of whom nothing was ever heard, the first enrolled first. Raises StoreError."""
    heard = {str(row[0]) for row in await database.read("SELECT device FROM agent")}
    return [
        one
        for one in members
        if one.name not in heard and now - datetime.fromisoformat(one.enrolled) > _SOON
    ]


class Remembered:
    """What `ask` says, asked once in half a minute.

    Args:
        ask: who is enrolled.
        ticks: a stopwatch in seconds.

    """

    def __init__(self, ask: Enrolled, ticks: Callable[[], float]) -> None:
        self._ask, self._ticks = ask, ticks
        self._at = float("-inf")
        self._found: list[Member] | None = None

    def __call__(self) -> list[Member] | None:
        """Raises StoreError."""
        if self._ticks() - self._at > _AGAIN:
            self._found, self._at = self._ask(), self._ticks()
        return self._found
