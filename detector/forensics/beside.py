"""What servers sent beside their leaves, over whichever connection of a capture.

An SCT is about a leaf, so one client's answer counts for every other that was shown the same leaf; most
clients never ask.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from detector.capture.connection import Connection
from detector.chain.stapled_scts import SCT_LIST_OID
from detector.model.observation import Beside, Observation

_ROOM = 1024
_MAX_BYTES = 1 << 16


class Sent(NamedTuple):
    """For one leaf: the TLS extension, a staple that holds SCTs, and what was asked for."""

    scts: bytes | None = None
    ocsp: bytes | None = None
    asked_for: tuple[Beside, ...] = ()


class SentBeside:
    """Remembers what came; of an answer that is larger than any honest one nothing. Bounded: when it is full it
    is emptied.
    """

    def __init__(self) -> None:
        self._by_leaf: dict[bytes, Sent] = {}

    def note(self, c: Connection) -> None:
        if not c.chain or (c.scts is None and c.ocsp is None and not c.asked_for):
            return
        kept = self.of(c.chain)
        asked = tuple(dict.fromkeys((*kept.asked_for, *c.asked_for)))
        ocsp = c.ocsp if c.ocsp is not None and SCT_LIST_OID in c.ocsp else None
        scts = c.scts
        sent = Sent(_either(kept.scts, scts), _either(kept.ocsp, ocsp), asked)
        if sent == kept:
            return
        if len(self._by_leaf) >= _ROOM:
            self._by_leaf.clear()
        self._by_leaf[c.chain[0]] = sent

    def of(self, chain: tuple[bytes, ...]) -> Sent:
        """What came beside the first certificate of a chain."""
        return self._by_leaf.get(chain[0], _NOTHING)

    def added(self, seen: Observation) -> Observation:
        """`seen` with what others were sent beside the same leaf."""
        sent = self.of(seen.chain) if seen.chain else _NOTHING
        if sent is _NOTHING:
            return seen
        return replace(
            seen,
            scts=seen.scts if seen.scts is not None else sent.scts,
            ocsp=seen.ocsp if seen.ocsp is not None else sent.ocsp,
            asked_for=tuple(dict.fromkeys((*seen.asked_for, *sent.asked_for))),
        )


_NOTHING = Sent()


def _either(kept: bytes | None, came: bytes | None) -> bytes | None:
    if kept is not None or came is None:
        return kept
    return came if len(came) <= _MAX_BYTES else None
