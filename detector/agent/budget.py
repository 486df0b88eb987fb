"""What the agent costs: processor time and bytes of a day, memory now; and what to do when that is too much.

A day is 24 hours from the first measurement in it, so that nothing happens at midnight at once on all machines.
Measured are this process and those it started, the bytes of every connection of ours (detector.net.traffic), and what
is resident. Over the day's budget the next run waits longer, until the day is over: four times the period, but an hour
more at most. Who answers with as much as a peer may send uses a day's bytes up within hours; that alone must not keep
the agent from looking. So a run then costs no more than a few targets' most, and there is one every other hour.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

DAY = timedelta(days=1)
STRETCH = 4.0
LONGEST_STRETCH = 3600.0
# Before its handshake is done; the agent asks nothing after it. Honest ones send 3,000 to 10,000 bytes.
MOST_OF_A_PEER = 128 << 10
_MUCH = 30_000
# What one target costs before anything was measured: a handshake, its certificates, and its questions by DNS.
_ONE_TARGET = 12_000
_LEAST = 4


class Limits(msgspec.Struct, frozen=True):
    """What may be used.

    Attributes:
        processor: percent of one core, over a day.
        traffic: bytes a day, both ways.
        memory: resident bytes.

    """

    processor: float = 0.1
    traffic: int = 5_000_000
    memory: int = 80_000_000

    @property
    def seconds(self) -> float:
        """Of processor time a day."""
        return DAY.total_seconds() * self.processor / 100


class Use(msgspec.Struct, frozen=True):
    """What was used since a day began.

    Attributes:
        since: when the day began.
        cpu: seconds.
        traffic: bytes.
        targets: how many were asked.
        told: it was said that this is too much.

    """

    since: datetime
    cpu: float = 0.0
    traffic: int = 0
    targets: int = 0
    told: bool = False


class Measured(msgspec.Struct, frozen=True):
    """What this process has used since it began."""

    cpu: float
    traffic: int
    memory: int


class Counted(msgspec.Struct):
    """Since the last heartbeat."""

    checked: int = 0
    inconclusive: int = 0
    cpu: float = 0.0
    traffic: int = 0


def measure() -> Measured:
    """As of now."""
    from detector.net.traffic import TRAFFIC

    times = os.times()
    cpu = times.user + times.system + times.children_user + times.children_system
    return Measured(cpu, TRAFFIC.sent + TRAFFIC.received, resident())


def resident() -> int:
    """Bytes; 0 where the system does not say."""
    with suppress(OSError, ValueError, IndexError):
        said = Path("/proc/self/statm").read_text("ascii")
        return int(said.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
            1 if os.uname().sysname == "Darwin" else 1024
        )
    return 0


def used(use: Use, before: Measured, after: Measured, targets: int, now: datetime) -> Use:
    """With what was used between two measurements; a day that is over begins anew."""
    if not timedelta() <= now - use.since < DAY:
        use = Use(now)
    return msgspec.structs.replace(
        use,
        cpu=use.cpu + max(0.0, after.cpu - before.cpu),
        traffic=use.traffic + max(0, after.traffic - before.traffic),
        targets=use.targets + targets,
    )


def over(use: Use, limits: Limits, memory: int) -> tuple[str, ...]:
    """What is over budget, in words; empty where nothing is."""
    found = []
    if use.cpu > limits.seconds:
        found.append(f"{use.cpu:.0f} s of processor time a day, {limits.seconds:.0f} s are allowed")
    if use.traffic > limits.traffic:
        found.append(f"{use.traffic} bytes a day, {limits.traffic} are allowed")
    if memory > limits.memory:
        found.append(f"{memory / 1e6:.0f} MB of memory, {limits.memory / 1e6:.0f} MB are allowed")
    return tuple(found)


def stretches(use: Use, limits: Limits) -> bool:
    """Whether asking less often would help."""
    return use.cpu > limits.seconds or use.traffic > limits.traffic


def reasons(use: Use) -> tuple[str, ...]:
    """What made it much, where that can be told."""
    if use.targets < _LEAST or use.traffic < _MUCH * use.targets:
        return ()
    each = use.traffic // use.targets
    return (f"{use.targets} targets took {each} bytes each, a handshake takes about {_ONE_TARGET}",)


def room(use: Use, limits: Limits, every: float) -> int:
    """How many targets one run may ask, so that a day of runs keeps to the bytes."""
    one = use.traffic / use.targets if use.targets >= _LEAST else _ONE_TARGET
    a_run = limits.traffic * every / DAY.total_seconds()
    return max(_LEAST, int(a_run / max(one, 1000.0)))
