"""The name of the wireless network that an interface is in, asked of the kernel's nl80211 by generic netlink; no right is
needed for it. Tried on recorded bytes alone: no machine of the tests has a wireless card.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from detector.agent.senses.kernel import attributes
from detector.net.netlink import GENERIC, Message, ask

_HEADER = struct.Struct("=BBH")
_CONTROL, _GET_FAMILY = 16, 3
_FAMILY_ID, _FAMILY_NAME = 1, 2
_GET_INTERFACE, _INDEX, _SSID = 5, 3, 52


def ssid_of(device: int) -> bytes | None:
    """Of an interface by its index; None where it is in none, or none is known."""
    name = _attribute(_FAMILY_NAME, b"nl80211\0")
    asked = _HEADER.pack(_GET_FAMILY, 1, 0) + name
    family = read_family(ask(_CONTROL, asked, protocol=GENERIC, every=False))
    if family is None:
        return None
    about = _attribute(_INDEX, struct.pack("=I", device))
    asked = _HEADER.pack(_GET_INTERFACE, 0, 0) + about
    return read_ssid(ask(family, asked, protocol=GENERIC, every=False))


def read_family(answer: Iterable[Message]) -> int | None:
    """The family's number, of the answer to a question for its name."""
    for one in answer:
        found = dict(attributes(one.body[_HEADER.size :])).get(_FAMILY_ID, b"")
        if len(found) == 2:
            return int(struct.unpack("=H", found)[0])
    return None


def read_ssid(answer: Iterable[Message]) -> bytes | None:
    """1 to 32 bytes, of the answer to a question for an interface."""
    for one in answer:
        found = dict(attributes(one.body[_HEADER.size :])).get(_SSID, b"")
        if 0 < len(found) <= 32:
            return found
    return None


def _attribute(kind: int, value: bytes) -> bytes:
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + bytes(-length % 4)
