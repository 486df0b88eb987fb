"""What somebody pastes into a terminal, up to its end: ^D.

A terminal hands over whole lines, and of a longer line the first 4095 bytes alone (termios(3), ICANON); so lines are
not waited for. Some terminals put marks around what is pasted (bracketed paste); they are no part of it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from detector.cli.ending import say

MOST = 1 << 20
# What came before characters were handed over one by one has a NUL where ^D was (n_tty of Linux).
_END = re.compile(rb"[\x04\x00]")
_MARKS = (b"\x1b[200~", b"\x1b[201~")


def pasted(file: BinaryIO) -> bytes:
    """What comes before ^D, up to MOST bytes; the rest of it is left."""
    with _whatever_length(file.fileno()):
        say("paste the message, and end it with ^D")
        found = b"".join(_until_end(file.fileno()))
    for mark in _MARKS:
        found = found.replace(mark, b"")
    return found


def _until_end(descriptor: int) -> Iterator[bytes]:
    room = MOST
    while room > 0 and (chunk := os.read(descriptor, min(room, 64 << 10))):
        before = _END.split(chunk, maxsplit=1)
        yield before[0]
        room -= len(before[0])
        if len(before) > 1:
            print(file=sys.stderr)
            return


@contextmanager
def _whatever_length(descriptor: int) -> Iterator[None]:
    """Characters are handed over as they come. Where there is no such thing, lines are."""
    if sys.platform == "win32":
        yield
        return
    import termios

    before = termios.tcgetattr(descriptor)
    now = termios.tcgetattr(descriptor)
    now[3] &= ~termios.ICANON
    now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSANOW, now)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
