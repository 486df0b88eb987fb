"""Logged leaves that nobody expected: a public CA issued them in the open, and no pin knows their key.

Certificate Transparency shows what was issued, not who asked for it. Who took over a host, or its name, gets a
certificate that is as public as the owner's own (jabber.ru, 2023: months of wiretapping with logged leaves).
Only the owner's own list of keys tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal

import msgspec

from detector.known.knowledge import Pin, current_pins, pins_for
from detector.lookup.issuers import HostIssuers

_HTTPS = 443


class UnexpectedLeaves(msgspec.Struct, frozen=True):
    """What is logged for a host beside what is pinned.

    Attributes:
        logged: how many keys the unexpired logged leaves have, as far as trusted sources tell.
        pinned: whether some leaf key is pinned for the host at all. Keys of CAs say nothing of leaves, and pins
            that have ended say nothing at all.
        unexpected: those that no pin knows (SPKI SHA-256, hex); all of them where nothing is pinned.

    """

    host: str
    logged: int
    pinned: bool
    unexpected: tuple[str, ...]
    schema: Literal["tlsight.ct-unexpected/1"] = "tlsight.ct-unexpected/1"


def unexpected_leaves(
    found: HostIssuers, pins: Sequence[Pin], day: date, is_ca: Callable[[str], bool]
) -> UnexpectedLeaves:
    """Compare what is known of a host with the pins for it on a day. Untrusted answers do not count.

    Args:
        found: answers about the host.
        pins: of any hosts.
        day: pins that ended before do not count.
        is_ca: whether a key (SPKI SHA-256, hex) is known to be a CA's; those of issuers in the answers are, too.

    """
    trusted = [answer for answer in found.answers if answer.trusted]
    keys = dict.fromkeys(key for answer in trusted for key in answer.leaf_keys)
    issuers = {issuer.spki_sha256 for answer in trusted for issuer in answer.issuers}
    current = current_pins(pins_for(pins, found.host, _HTTPS), day)
    wanted = {key for pin in current for key in pin.keys if key not in issuers and not is_ca(key)}
    return UnexpectedLeaves(
        host=found.host,
        logged=len(keys),
        pinned=bool(wanted),
        unexpected=tuple(key for key in keys if key not in wanted),
    )
