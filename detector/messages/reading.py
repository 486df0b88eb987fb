"""Bytes of any size and encoding to lines, and of a long log only those around what may speak of TLS.

Theory of operation
-------------------
A paste is read whole. Of a log past WHOLE, a first look at each chunk finds places with a word that every TLS failure's
lines share (`marking.ANY`); what is near one is kept, with its line numbers, the rest is forgotten at once. What is kept is
bounded: where a log fails all the time the first and the last failures tell the story.
"""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from detector.messages.layout import plain_line, written_by
from detector.messages.marking import speaks_of_tls

WHOLE = 128 << 10  # characters that are read with every line
BEFORE, AFTER = 25, 12  # lines around one that speaks of TLS
_KEPT, _MOST = 3_000, 256 << 10  # lines and characters of each end
_LONGEST = 16 << 10  # characters of one line
_CHUNK = 64 << 10


class Line(msgspec.Struct, frozen=True):
    """One line, counted from 1, without what stands around its words; by: the program that the log puts before it."""

    number: int
    text: str
    by: str = ""


def lines_of(text: str) -> list[Line]:
    """Lines of a text that is here already."""
    return read_lines(text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK))


def lines_of_bytes(chunks: Iterable[bytes]) -> list[Line]:
    """Lines of a file or a stream, whatever its encoding. Errors of the encoding are replaced, never raised."""
    return read_lines(_decoded(chunks))


def read_lines(pieces: Iterable[str]) -> list[Line]:
    """Lines of pieces of text: all of a short one, those near words of TLS of a long one."""
    reader = LineReader()
    for piece in pieces:
        reader.feed(piece)
    return reader.lines()


class LineReader:
    """Takes text piece by piece and keeps the lines that count."""

    def __init__(self) -> None:
        self._rest = ""
        self._number = 0
        self._size = 0
        self._first: list[tuple[int, str]] = []
        self._last: deque[tuple[int, str]] = deque(maxlen=_KEPT)
        self._waiting: deque[tuple[int, str]] = deque(maxlen=BEFORE)
        self._until = 0
        self._room = _MOST
        self._size_of_last = 0
        self._choosing = False

    def feed(self, piece: str) -> None:
        self._size += len(piece)
        text = self._rest + piece
        *whole, self._rest = text.split("\n")
        if len(self._rest) > _LONGEST:
            # A file without line ends is cut where the limit is: no memory grows with it.
            whole += _cut(self._rest)
            self._rest = whole.pop()
        if self._choosing and self._number >= self._until and not speaks_of_tls("\n".join(whole)):
            self._pass_by(whole)
        else:
            for line in whole:
                self._take(line)
        if self._size > WHOLE and not self._choosing:
            self._choose()

    def lines(self) -> list[Line]:
        """What was kept, in order."""
        if self._rest:
            self._take(self._rest)
            self._rest = ""
        kept = (*self._first, *self._last)
        return [Line(number, plain_line(raw), written_by(raw)) for number, raw in kept]

    def _take(self, raw: str) -> None:
        self._number += 1
        line = (self._number, raw[:_LONGEST])
        if not self._choosing:
            self._first.append(line)
            return
        if speaks_of_tls(line[1]):
            for before in self._waiting:
                self._keep(before)
            self._waiting.clear()
            self._until = self._number + AFTER
        if self._number <= self._until:
            self._keep(line)
        else:
            self._waiting.append((self._number, raw[:512]))

    def _pass_by(self, lines: list[str]) -> None:
        """Many lines at once, none of which counts."""
        last = lines[-BEFORE:]
        first = self._number + len(lines) - len(last) + 1
        self._waiting.extend((first + at, line[:512]) for at, line in enumerate(last))
        self._number += len(lines)

    def _keep(self, line: tuple[int, str]) -> None:
        size = len(line[1])
        if len(self._first) < _KEPT and self._room > size:
            self._first.append(line)
            self._room -= size
            return
        self._room = 0  # what comes now is of the other end
        if len(self._last) == _KEPT:
            self._size_of_last -= len(self._last.popleft()[1])
        self._last.append(line)
        self._size_of_last += size
        while self._size_of_last > _MOST:
            self._size_of_last -= len(self._last.popleft()[1])

    def _choose(self) -> None:
        """From here on only some lines count; those that are here are looked through again."""
        self._choosing = True
        here, self._first = self._first, []
        self._number = 0
        for _, raw in here:
            self._take(raw)


def _cut(text: str) -> list[str]:
    return [text[at : at + _LONGEST] for at in range(0, len(text), _LONGEST)] or [""]


def _decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """UTF-8, or UTF-16 as Windows writes it, with and without a mark."""
    waiting = iter(chunks)
    first = next(waiting, b"")
    name = _encoding(first)
    decoder = codecs.getincrementaldecoder(name)(errors="replace")
    yield decoder.decode(first).removeprefix("\ufeff")
    for chunk in waiting:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:512]
    half = len(sample) // 2
    if half > 3:
        if sample[1::2].count(0) > 0.8 * half:
            return "utf-16-le"
        if sample[::2].count(0) > 0.8 * half:
            return "utf-16-be"
    return "utf-8"
