r"""What expressions of log lines are made of, so that no line costs more than its length.

Theory of operation
-------------------
A line is written by whoever connects, and `re` goes back: of `A.*B` a line of many As without a B costs as many
ways through the line as there are As. So an expression here is made of pieces in their order, each of them taken
where it first fits behind the one before, for good (atomic groups, possessive repeats): where no B is behind the
first A there is none behind the second. A piece itself is short, or stops where it could begin again: `[^\[\]]++`
behind a bracket, not `[^\]]+`.
"""

from __future__ import annotations

import re

_IN_ADDRESS = rb"0-9a-fA-F"
# A colon of the address: what follows it is no port, behind which no address goes on.
_COLON = rb":(?!\d{1,5}(?![" + _IN_ADDRESS + rb"]|\]:|[.:][" + _IN_ADDRESS + rb":.]))"
_ADDRESS = rb"(?:[" + _IN_ADDRESS + rb".]++|" + _COLON + rb")++"
# Nothing of an address is before it, so that a search tries each address once.
_BEGINS = rb"(?:\[|(?<![" + _IN_ADDRESS + rb":.]))"

PEER = rb"(?P<peer>[0-9a-fA-F:.]++)"
PEER_PORT = _BEGINS + rb"(?P<peer>" + _ADDRESS + rb")\]?:(?P<port>\d{1,5})"
ADDRESS_PORT = _BEGINS + _ADDRESS + rb"\]?:\d{1,5}"


def in_order(*pieces: bytes) -> re.Pattern[bytes]:
    """The expression of a line that has these pieces, made by the functions below."""
    return re.compile(rb"\A" + b"".join(pieces))


def then(piece: bytes) -> bytes:
    """The first place where it fits."""
    return rb"(?>.*?" + piece + rb")"


def here(piece: bytes) -> bytes:
    """Right behind the piece before."""
    return rb"(?>" + piece + rb")"


def maybe(piece: bytes, before: bytes) -> bytes:
    """The first place where it fits in front of something else; nothing where there is none."""
    return rb"(?>(?:(?!" + before + rb").)*?" + piece + rb")?+"


def last(piece: bytes) -> bytes:
    """The last place where it fits: what peers say stands before it."""
    return rb"(?>.*" + piece + rb")"


def maybe_last(piece: bytes) -> bytes:
    """The last place where it fits; nothing where there is none."""
    return rb"(?>.*" + piece + rb")?+"
