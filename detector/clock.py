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


# Which clock goes on in sleep, and which does not; the same one where the system has but one.
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
_AWAKE = getattr(time, "CLOCK_UPTIME_RAW", getattr(time, "CLOCK_MONOTONIC", None))
COUNTS_SLEEP = _SINCE_BOOT != _AWAKE


def since_boot() -> float:
    """Seconds that went by, those asleep too."""
    return time.monotonic() if _SINCE_BOOT is None else time.clock_gettime(_SINCE_BOOT)


def awake() -> float:
    """Seconds that went by while the machine was awake, where the system counts them (Linux, macOS)."""
    return time.monotonic() if _AWAKE is None else time.clock_gettime(_AWAKE)
