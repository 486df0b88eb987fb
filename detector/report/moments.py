"""Moments as people say them."""

from __future__ import annotations

from datetime import datetime


def ago(value: datetime, now: datetime) -> str:
    """How long before, or after, roughly."""
    seconds = (now - value).total_seconds()
    amount = abs(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if amount >= length or unit == "s":
            text = f"{int(amount // length)} {unit}"
            return f"{text} ago" if seconds >= 0 else f"in {text}"
    raise AssertionError
