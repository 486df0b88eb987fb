"""What a person writes for a rule on the command line and in forms: its pattern, and its last day."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from addons.bypass.rule import RuleRow, rule_of
from detector.errors import ConfigError


def pattern_row(text: str) -> dict[str, str]:
    """The key and value that a pattern on the command line means.

    "a.com" is a host, ".a.com" a suffix, "*.a.com" a one-label wildcard, "/x/" a regex, "10.0.0.0/8" a
    range; "*" any host.
    """
    if text == "*":
        return {}
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return {"regex": text[1:-1]}
    if text.startswith("*."):
        return {"wildcard": text}
    if text.startswith("."):
        return {"suffix": text}
    try:
        rule_of(RuleRow(cidr=text))
    except ValueError:
        return {"host": text}
    return {"cidr": text}


def row_of(pattern: str, **fields: object) -> RuleRow:
    """A row from a pattern and further fields. Raises ConfigError for fields of a wrong type."""
    data = {**pattern_row(pattern), **{k: v for k, v in fields.items() if v is not None}}
    try:
        return msgspec.convert(data, RuleRow)
    except msgspec.ValidationError as error:
        raise ConfigError(pattern, str(error)) from None


def day(text: str, today: date) -> date:
    """A date, or "90d" from today. Raises ConfigError."""
    try:
        if text.endswith("d") and text[:-1].isdigit():
            return today + timedelta(days=int(text[:-1]))
        return date.fromisoformat(text)
    except (ValueError, OverflowError):
        remedy = "write 2027-06-30, or 90d"
        raise ConfigError("--expires", f"{text!r} is no day", remedy=remedy) from None
