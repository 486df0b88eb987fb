"""What a person writes for a rule on the command line and in forms: its pattern, its end, a connection."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from addons.bypass.matcher import Arrival
from addons.bypass.place import apart
from addons.bypass.rule import RuleRow, end_of, rule_of, settled
from detector.chain.names import as_address
from detector.errors import ConfigError, TargetError
from detector.model.targets import normal_host

_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
# A century: what lies further from today may be no date.
_LONGEST = timedelta(days=36_500)


def pattern_row(text: str) -> dict[str, object]:
    """The keys and values that a pattern on the command line means.

    "a.com" is a host, ".a.com" a suffix, "*.a.com" a one-label wildcard, "/x/" a regex, "10.0.0.0/8" a
    range; "*" any host. A port may stand behind each: "a.com:8443", "[2001:db8::1]:443".
    """
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return {"regex": text[1:-1]}
    place, port = apart(text)
    found: dict[str, object] = {} if port is None else {"port": port}
    if len(place) > 2 and place.startswith("/") and place.endswith("/"):
        return {"regex": place[1:-1], **found}
    if place.startswith("*."):
        return {"wildcard": place, **found}
    if place.startswith("."):
        return {"suffix": place, **found}
    try:
        rule_of(RuleRow(cidr=place))
    except ValueError:
        return {"host": place, **found}
    return {"cidr": place, **found}


def row_of(pattern: str, **fields: object) -> RuleRow:
    """A row from a pattern and further fields. Raises ConfigError for fields of a wrong type."""
    data = pattern_row(pattern)
    given = {k: v for k, v in fields.items() if v is not None}
    if "port" in data and given.get("port", data["port"]) != data["port"]:
        raise ConfigError(pattern, f"is for port {data['port']}, and --port says {given['port']}")
    try:
        return settled(msgspec.convert({**data, **given}, RuleRow))
    except ValueError as error:  # msgspec's are ValueErrors, too
        raise ConfigError(pattern, str(error)) from None


def arrival(
    host: str, port: int | None = None, client: str | None = None, address: str | None = None
) -> Arrival:
    """A connection as a person names it: a name or an address, with or without a port, which is 443 then.

    An address is what the client asked the proxy for: there is no name in its ClientHello. Raises TargetError.
    """
    place, found = apart(host)
    if port is not None and found is not None and port != found:
        raise TargetError(host, f"is port {found}, and --port says {port}")
    name = normal_host(place)
    known = as_address(name)
    for text in (client, address):
        if text is not None and as_address(text) is None:
            raise TargetError(text, "is no address")
    reached = address or (str(known) if known is not None else None)
    return Arrival(None if known is not None else name, name, reached, port or found or 443, client)


def end(text: str, now: datetime) -> date:
    """A last day, "90d" from now, or a moment in UTC: "2h", "30m", "2026-12-01T18:00Z". Raises ConfigError."""
    remedy = "write 2027-06-30, 90d, 2h, 30m or 2026-12-01T18:00Z"
    counted, unit = text[:-1], text[-1:]
    try:
        if unit in _UNITS and counted.isdecimal() and counted.isascii():
            length = int(counted[:12]) * _UNITS[unit]
            if not length and unit != "d":
                raise ValueError("is no time at all")
            return now.date() + length if unit == "d" else end_of(now + length)
        return end_of(text)
    except (ValueError, OverflowError) as error:
        why = str(error) if "zone" in str(error) else f"{text!r} is no day and no moment"
        raise ConfigError("--expires", why, remedy=remedy) from None


def span(text: str, option: str) -> timedelta:
    """A length of time: "14d", "12h", "30m". Raises ConfigError, which names the option."""
    counted, unit = text[:-1], text[-1:]
    if unit in _UNITS and counted.isdecimal() and counted.isascii():
        length = int(counted[:6]) * _UNITS[unit]
        if len(counted) <= 6 and length <= _LONGEST:
            return length
    why = f"{text!r} is no length of time up to {_LONGEST.days} days"
    raise ConfigError(option, why, remedy="write 14d, 12h or 30m")
