"""Events into a database, without the bus."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from addons.fleet import rows
from addons.fleet.database import FleetDatabase
from addons.fleet.taking import Refused, take
from detector.report.event_json import EventRecord
from tests.fleet.telling import message

KEEP = timedelta(days=90)


async def keep(
    database: FleetDatabase,
    events: Iterable[EventRecord],
    received: datetime | None = None,
    canaries: Collection[str] = (),
) -> None:
    """One batch; received when it happened, or at one time."""
    kept, refused = [], []
    for one in events:
        found = take(*message(one), received or one.at, KEEP)
        if isinstance(found, Refused):
            refused.append(found)
        else:
            kept.append(rows.kept(found, canaries))
    await database.write(rows.statements(kept, refused))
