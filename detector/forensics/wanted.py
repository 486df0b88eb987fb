"""A selection out of words, as people write them.

Addresses may be networks, servers may have a port ("192.0.2.0/24", "[2001:db8::1]:443", "www.example.org:8443").
Times are the capture's own:

2026-09-21T14:13:20Z    a moment; without a zone UTC, as everything is shown
14:13:20, 14:13         the first time that the capture's clock shows it
+90, +5m, +2h           after the capture's first packet
-90, -5m, -2h           before its last one
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from typing import get_args

from detector.errors import ConfigError, TargetError
from detector.forensics.selection import Endpoint, Network
from detector.model.causes import CauseTable
from detector.model.observation import VerdictName
from detector.model.targets import normal_host, split_port

# Seconds since 1970 of the first and of the last packet; asked only where a time depends on them.
Span = Callable[[], tuple[float, float]]

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RELATIVE = re.compile(r"([+-])(\d{1,9}(?:\.\d{1,6})?)([smhd]?)")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DAY = 86400.0
_TIMES = "give 2026-09-21T14:13:20Z, 14:13:20, +5m after the beginning, or -5m before the end"


def network(option: str, text: str) -> Network:
    """An address or a network. Raises ConfigError, which names the option."""
    try:
        return ip_network(text.strip().strip("[]"), strict=False)
    except ValueError:
        raise ConfigError(
            option, f"{text!r} is neither an address nor a network",
            remedy="give 10.0.0.9, 10.0.0.0/8 or 2001:db8::/32",
        ) from None  # fmt: skip


def networks(option: str, texts: Iterable[str]) -> tuple[Network, ...]:
    """As `network`, of each."""
    return tuple(network(option, text) for text in texts)


def endpoint(option: str, text: str) -> Endpoint:
    """A server: address, network or name, and a port if there is one. Raises ConfigError, which names the option."""
    given = text.strip()
    try:
        return Endpoint(network=ip_network(given, strict=False))
    except ValueError:
        pass
    try:
        host, port = split_port(given)
        try:
            return Endpoint(network=ip_network(host.strip("[]"), strict=False), port=port)
        except ValueError:
            return Endpoint(name=name(option, host), port=port)
    except TargetError:
        raise ConfigError(
            option, f"{text!r} is no server",
            remedy="give a name, an address or a network, and a port if need be",
        ) from None  # fmt: skip


def name(option: str, text: str) -> str:
    """A host name, also one with `*.` in front, or an address. Raises ConfigError, which names the option."""
    given = text.strip()
    try:
        return str(ip_address(given.strip("[]")))
    except ValueError:
        pass
    star, bare = ("*.", given[2:]) if given.startswith("*.") else ("", given)
    try:
        return star + normal_host(bare)
    except TargetError:
        raise ConfigError(option, f"{text!r} is neither a name nor an address") from None


def cause(option: str, text: str, known: CauseTable) -> str:
    """The id of a cause. Raises ConfigError, which names the option."""
    if text in known:
        return text
    near = [id_ for id_ in known if text.lower() in id_] if text else []
    near = near[:3] or get_close_matches(text, list(known), 3)
    remedy = f"did you mean {' or '.join(near)}?" if near else "tlsight pcap --summary names them"
    raise ConfigError(option, f"there is no cause {text!r}", remedy=remedy)


def verdict(option: str, text: str) -> VerdictName:
    """A verdict. Raises ConfigError, which names the option."""
    for one in get_args(VerdictName):
        if text == one:
            return one  # type: ignore[no-any-return]
    raise ConfigError(option, f"{text!r} is none of {', '.join(get_args(VerdictName))}")


def moment(option: str, text: str, span: Span) -> float:
    """Seconds since 1970. Raises ConfigError, which names the option."""
    given = text.strip()
    relative = _RELATIVE.fullmatch(given)
    if relative is not None:
        seconds = float(relative[2]) * _UNITS[relative[3]]
        first, last = span()
        return first + seconds if relative[1] == "+" else last - seconds
    shown = _CLOCK.fullmatch(given)
    if shown is not None:
        return _shown(option, text, shown, span()[0])
    try:
        made = datetime.fromisoformat(given if _DATE.match(given) else "")
        return (made if made.tzinfo is not None else made.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ConfigError(option, f"{text!r} is no time", remedy=_TIMES) from None


def _shown(option: str, text: str, shown: re.Match[str], begin: float) -> float:
    """The first time that the clock shows this; where it shows it as the capture begins that is the beginning."""
    hours, minutes, seconds = int(shown[1]), int(shown[2]), float(shown[3] or 0)
    if hours > 23 or minutes > 59 or seconds >= 60:
        raise ConfigError(option, f"{text!r} is no time of day", remedy=_TIMES)
    fine = 60 if shown[3] is None else 1
    found = begin // _DAY * _DAY + hours * 3600 + minutes * 60 + seconds
    return found if found > begin - fine else found + _DAY
