"""The one place that asks what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Aware UTC, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def stopwatch() -> float:
    """Monotonic seconds, for differences."""
    return time.perf_counter()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
