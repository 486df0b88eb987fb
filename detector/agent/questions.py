"""What a fleet may ask an agent: look at this host now. Pure.

A question names a host and a port, nothing else: no path, no address to dial in its place, no command. So the worst
that a stolen key of the fleet can have an agent do is a TLS handshake with a host of the public internet, and that
not often.

Questions for an agent are one value under its own key, signed like a list, and not a queue that many draw from: to
draw, an agent would need rights in JetStream's own interface, and could take what others were to be asked, or see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from ipaddress import ip_address

import msgspec

from detector.errors import ListError, TargetError
from detector.model.no_json import NO_JSON
from detector.model.targets import normal_host
from detector.net.pointed import kind_of

MOST_OPEN = 32
# At an agent, within an hour.
MOST_AN_HOUR = 30
_ID = re.compile(r"[0-9a-f]{32}")


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One.

    Attributes:
        id: 32 hex digits; an agent answers each once.
        host: a name or an address.
        port: TCP port.
        until: nobody waits for the answer after that.

    """

    id: str
    host: str
    port: int
    until: datetime


class _Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    questions: tuple[Question, ...]


def sheet_name(device: str) -> str:
    """As what the questions for an agent are signed."""
    return f"questions-{device}"


def write_sheet(questions: Iterable[Question]) -> bytes:
    """The content to sign."""
    return msgspec.json.encode(_Sheet(tuple(questions)))


def read_sheet(content: bytes) -> tuple[Question, ...]:
    """Those that are none are left out. Raises ListError where it is no sheet."""
    try:
        sheet = msgspec.json.decode(content, type=_Sheet)
    except NO_JSON:
        raise ListError("the fleet's questions are damaged, or of a later tlsight") from None
    return tuple(filter(_is_good, sheet.questions[:MOST_OPEN]))


def refusal(host: str, addresses: Sequence[str], *, private: bool) -> str:
    """Why this host is not asked; empty where it is.

    Args:
        host: as in the question.
        addresses: all that the name leads to.
        private: the agent's own settings allow questions about addresses that not everybody reaches.

    """
    for text in addresses:
        try:
            kind = kind_of(ip_address(text.partition("%")[0]))
        except ValueError:
            return f"{host} leads to no address"
        if kind is not None and (not private or kind in _NEVER):
            return f"{host} leads to a {kind} address"
    return "" if addresses else f"{host} leads to no address"


# Not even where private ones are allowed: the machine itself, and what clouds tell a machine of itself.
_NEVER = frozenset(("metadata", "loopback", "multicast", "nobody's", "link-local"))


def _is_good(one: Question) -> bool:
    try:
        normal = normal_host(one.host)
    except TargetError:
        return False
    aware = one.until.tzinfo is not None
    return (
        _ID.fullmatch(one.id) is not None and normal == one.host and 0 < one.port < 65536 and aware
    )
