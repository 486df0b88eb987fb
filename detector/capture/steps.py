"""The steps of a connection, as many of them as a person reads."""

from __future__ import annotations

from collections import deque

import msgspec

from detector.capture.connection import Sender

DATA = "application data"
_FIRST, _LAST = 160, 40


class Step(msgspec.Struct):
    """Something that one side said, or several of a kind in a row.

    Attributes:
        at: seconds since 1970 of the packet that completed it; `packet` is that packet's place in the file.
        until, last_packet: the same of the last one, where several are joined.
        what: its name: "ClientHello", "SYN", "application data".
        size: bytes of the message, or of the records' content; of TCP's own steps none.
        count: how many were joined.

    """

    at: float
    packet: int
    sender: Sender
    what: str
    size: int
    until: float
    last_packet: int
    count: int = 1


class Steps:
    """Steps in order; beyond two hundred those in the middle are counted only."""

    def __init__(self) -> None:
        self._first: list[Step] = []
        self._last: deque[Step] = deque(maxlen=_LAST)
        self._all = 0

    def add(
        self, at: float, packet: int, sender: Sender, what: str, size: int, *, joins: bool = False
    ) -> Step:
        """Add one; `joins` makes one of it and its like before it."""
        latest = self._last[-1] if self._last else self._first[-1] if self._first else None
        if joins and latest is not None and latest.sender == sender and latest.what == what:
            latest.until, latest.last_packet = at, packet
            latest.size += size
            latest.count += 1
            return latest
        step = Step(at, packet, sender, what, size, at, packet)
        self._all += 1
        if len(self._first) < _FIRST:
            self._first.append(step)
        else:
            self._last.append(step)
        return step

    def kept(self) -> tuple[tuple[Step, ...], int]:
        """The steps, and how many were left out after the first 160. What was named late is joined with its like."""
        left_out = self._all - len(self._first) - len(self._last)
        if left_out:
            return (*self._first, *self._last), left_out
        found: list[Step] = []
        for step in (*self._first, *self._last):
            latest = found[-1] if found else None
            if (
                latest is None
                or step.what != DATA
                or ((latest.sender, latest.what) != (step.sender, step.what))
            ):
                found.append(step)
            else:
                latest.until, latest.last_packet = step.until, step.last_packet
                latest.size += step.size
                latest.count += step.count
        return tuple(found), 0
