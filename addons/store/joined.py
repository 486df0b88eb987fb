"""What a gateway knows of its centre, and the centre of a gateway, as values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

# A centre or a gateway that is heard of less often is worth a word.
STALE = timedelta(minutes=10)


class Joined(msgspec.Struct, frozen=True):
    """What a gateway knows of its centre.

    Attributes:
        key: the centre's, as it was enrolled.
        serial, digest: of the list in force; None and empty before the first.
        said: the centre's clock in its last head, `heard` ours by then.
        next: number of the batch to be made next.
        cursor: the last attempt that is in a batch.
        lost: attempts and passages that gave way, altogether.
        kept: patterns of the list where something else counts here.
        trouble: what went wrong in the last round.

    """

    key: str
    serial: int | None = None
    digest: str = ""
    said: datetime | None = None
    heard: datetime | None = None
    next: int = 1
    cursor: int = 0
    lost: int = 0
    kept: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()


class Known(msgspec.Struct, frozen=True):
    """What the centre knows of a gateway.

    Attributes:
        name: as it was enrolled.
        taken: number of the last batch taken.
        heard: when it spoke last, by our clock.
        skew: its clock less ours, in seconds.
        day, today: how much was taken on the day that was counted last.
        left_out: what was beyond a day's measure, or said what cannot be, altogether.
        report: as it said it last.
        trouble: why something of it was refused.

    """

    name: str
    taken: int = 0
    heard: datetime | None = None
    skew: float = 0.0
    day: str = ""
    today: int = 0
    left_out: int = 0
    report: dict[str, Any] | None = None
    trouble: str = ""
