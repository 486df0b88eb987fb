"""Days and times on the command line."""

from __future__ import annotations

from datetime import date, timedelta

from detector import clock
from detector.errors import ConfigError


def last_day(text: str | None) -> date | None:
    """The value of --expires; None where it is left out. Raises ConfigError, also for a day that is over in UTC."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigError("--expires", f"{text!r} is no date", remedy="write 2027-06-30") from None
    if day < clock.now().date():
        raise ConfigError("--expires", f"{day} is over", remedy="give a day to come")
    return day


def duration(option: str, text: str, longest: timedelta) -> timedelta:
    """30s, 10m, 2h, 7d. Raises ConfigError."""
    unit = _UNITS.get(text[-1:])
    number = text[:-1]
    if unit is None or not number.isdecimal() or len(number) > 6:
        raise ConfigError(option, f"{text!r} is no time", remedy="30s, 10m, 2h, 7d")
    found = int(number) * unit
    if not timedelta() < found <= longest:
        raise ConfigError(option, f"{text} is more than {longest.days}d, or nothing")
    return found


_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
