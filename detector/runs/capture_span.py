"""When captures begin and end, by the clock of whoever captured."""

from __future__ import annotations

from collections.abc import Iterable

from detector.capture.packet_file import PacketFile
from detector.errors import CaptureError, ConfigError
from detector.runs.files import UntilCut, damages, opened


def span(paths: Iterable[str]) -> tuple[float, float]:
    """Seconds since 1970 of the earliest packet of the files and of the latest; every packet's header is looked at.

    A file that cannot be read is passed over: it is told when it is read. Raises ConfigError where none is left.
    """
    unreadable: tuple[type[Exception], ...] = (CaptureError, ConfigError, *damages())
    first = last = 0.0
    for path in paths:
        try:
            with opened(path) as file:
                for time, *_ in PacketFile(UntilCut(file).read):
                    if time:
                        first, last = min(first or time, time), max(last, time)
        except unreadable:
            continue
    if not first:
        raise ConfigError(
            "--since, --until", "no packet has a time to count from", remedy="give a whole date"
        )
    return first, last
