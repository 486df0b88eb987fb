"""Days on the command line."""

from __future__ import annotations

from datetime import date

from detector.errors import ConfigError


def last_day(text: str | None) -> date | None:
    """The value of --expires; None where it is left out. Raises ConfigError."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError("--expires", f"{text!r} is no date", remedy="write 2027-06-30") from None
