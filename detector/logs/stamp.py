"""The time of a log line, in the ways that servers write it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_MONTHS = {m: n for n, m in enumerate(
    (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1
)}  # fmt: skip
_Match = re.Match[bytes]


class Stamps:
    """Reads times; remembers the last one, because lines of one second follow each other.

    Args:
        zone: of times without one.
        now: aware time that no line is much later than; gives syslog its year.

    """

    def __init__(self, zone: tzinfo, now: datetime) -> None:
        self._zone = zone
        self._now = now
        self._last: tuple[bytes, float | None] = b"", None
        self._kind = 0

    def of(self, line: bytes) -> float | None:
        """Seconds since 1970, None where the line shows no time."""
        start = line[:80]
        order = (self._kind, *(n for n in range(len(_FORMATS)) if n != self._kind))
        for number in order:
            found = _FORMATS[number][0].search(start)
            if found is None:
                continue
            self._kind = number
            text = found[0]
            if text == self._last[0]:
                return self._last[1]
            try:
                value = _FORMATS[number][1](self, found)
            except (ValueError, OverflowError, KeyError):
                return None
            self._last = text, value
            return value
        return None

    def _naive(self, *parts: int) -> float:
        return datetime(*parts, tzinfo=self._zone).timestamp()  # type: ignore[arg-type,misc]

    def iso(self, m: _Match) -> float:
        year, month, day, hour, minute, second = (int(g) for g in m.groups()[:6])
        zone = self._offset(m[8])
        when = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        return when.timestamp() + _fraction(m[7])

    def _offset(self, text: bytes | None) -> tzinfo:
        if text is None:
            return self._zone
        if text in (b"Z", b"UTC", b"GMT"):
            return UTC
        digits = text.strip().replace(b":", b"")
        minutes = int(digits[1:3]) * 60 + int(digits[3:5] or 0)
        return timezone(timedelta(minutes=-minutes if digits[:1] == b"-" else minutes))

    def apache(self, m: _Match) -> float:
        month, day, hour, minute, second, fraction, year = m.groups()
        return self._naive(
            int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second)
        ) + _fraction(fraction)

    def common(self, m: _Match) -> float:
        day, month, year, hour, minute, second, fraction, zone = m.groups()
        when = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second),
                        tzinfo=self._offset(zone))  # fmt: skip
        return when.timestamp() + _fraction(fraction)

    def syslog(self, m: _Match) -> float:
        month, day, hour, minute, second, fraction = m.groups()
        parts = _MONTHS[month], int(day), int(hour), int(minute), int(second)
        found = self._naive(self._now.year, *parts)
        if found > self._now.timestamp() + 86400:
            found = self._naive(self._now.year - 1, *parts)
        return found + _fraction(fraction)

    def clock(self, m: _Match) -> float:
        hour, minute, second, fraction = m.groups()
        today = self._now.astimezone(self._zone)
        found = self._naive(today.year, today.month, today.day, int(hour), int(minute), int(second))
        if found > self._now.timestamp() + 60:
            found -= 86400
        return found + _fraction(fraction)

    def epoch(self, m: _Match) -> float:
        return float(m[1])


def _fraction(text: bytes | None) -> float:
    return float(b"0." + text) if text else 0.0


# Longer forms first: several of them hold a shorter one.
_FORMATS: tuple[tuple[re.Pattern[bytes], Callable[[Stamps, _Match], float]], ...] = (
    (re.compile(rb"(\d{4})[-/.](\d\d)[-/.](\d\d)[T ] ?(\d?\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
                rb"(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?"), Stamps.iso),
    (re.compile(rb"[A-Z][a-z]{2} ([A-Z][a-z]{2}) [ \d]?(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d+))? (\d{4})"),
     Stamps.apache),
    (re.compile(rb"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?: ([+-]\d{4}))?"),
     Stamps.common),
    (re.compile(rb"\b([A-Z][a-z]{2}) [ \d]?(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?"), Stamps.syslog),
    (re.compile(rb'"(?:ts|time|timestamp)": ?"?(\d{10}(?:\.\d+)?)'), Stamps.epoch),
    (re.compile(rb"^(\d{10}\.\d{3})\b"), Stamps.epoch),
    (re.compile(rb"^\[(\d\d):(\d\d):(\d\d)(?:\.(\d+))?\]"), Stamps.clock),
)  # fmt: skip
