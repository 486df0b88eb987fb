"""Bytes of a log in, failures out, at the speed of a search.

Theory of operation
-------------------
A block is searched for the needles of the programs in question (`bytes.find`, which skips as fast as memory
goes), and only the lines around them are handed to parsers. A line too long to be one costs itself alone.

Which program wrote a file is told from its first lines. Where lines of several programs are mixed, as in a
syslog or a journal, every line with a needle is tried against all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from detector.errors import ConfigError, UnknownLogError
from detector.logs import journal, schannel
from detector.logs.event import Event
from detector.logs.program import Parser, Program
from detector.logs.programs import NAMES, all_programs, program
from detector.logs.reasons import Reasons
from detector.logs.stamp import Stamps

BLOCK = 1 << 20
_MAX_LINE = 1 << 20
_SAMPLE = 1 << 16
FORMATS = (*NAMES, "schannel", "mixed")


class Seen(msgspec.Struct):
    """What was read, apart from the failures.

    Attributes:
        programs: that the file, or some line of it, was recognised as.
        levels: by program, whether lines were there that only a talkative log has, by blind spot.
        changes: (time, program, what) of lines that tell of a change.
        first, last: times of the first and last line that was looked at.

    """

    lines: int = 0
    bytes: int = 0
    programs: Counter[str] = msgspec.field(default_factory=Counter)
    levels: dict[str, set[int]] = msgspec.field(default_factory=dict)
    changes: list[tuple[float | None, str, str]] = msgspec.field(default_factory=list)
    first: float | None = None
    last: float | None = None


class LogReader:
    """Reads one log.

    Args:
        reasons: what words mean.
        stamps: makes a reader of times.
        form: one of FORMATS, None to recognise it.
        name: of the file, for errors.

    """

    def __init__(
        self, reasons: Reasons, stamps: Callable[[], Stamps], form: str | None, name: str
    ) -> None:
        if form is not None and form not in FORMATS:
            raise ConfigError("--format", f"{form!r} is none of {', '.join(FORMATS)}")
        self.seen = Seen()
        self._reasons = reasons
        self._stamps = stamps
        self._form = form
        self._name = name

    def events(self, read: Callable[[int], bytes]) -> Iterator[Event]:
        """Failures in the order of their lines. Raises UnknownLogError where no program is recognised."""
        first = read(BLOCK)
        if not first:
            return
        if self._form == "schannel" or (self._form is None and schannel.looks_like(first)):
            self.seen.programs["schannel"] += 1
            for event in schannel.events(first, read, self._reasons):
                self._span(event.at)
                yield event
            return
        blocks: Iterable[bytes] = _blocks(first, read)
        if journal.looks_like(first):
            blocks = journal.as_lines(blocks)
            programs: Sequence[Program] = all_programs()
        else:
            programs = self._programs(first)
        yield from self._by_needles(blocks, programs)

    def _programs(self, sample: bytes) -> Sequence[Program]:
        if self._form == "mixed":
            return all_programs()
        if self._form is not None:
            return (program(self._form),)
        found = recognise(sample[:_SAMPLE])
        if not found:
            raise UnknownLogError(
                self._name, "no known program's log", remedy="name it: --format nginx, ..."
            )
        return tuple(program(name) for name in found)

    def _by_needles(self, blocks: Iterable[bytes], programs: Sequence[Program]) -> Iterator[Event]:
        stamps = self._stamps()
        parsers = [Parser(one, self._reasons, stamps) for one in programs]
        needles = {needle for one in programs for needle in one.needles}
        needles = {n for n in needles if not any(o != n and o in n for o in needles)}
        levels = [(one, n, spot.shown) for one in programs for n, spot in enumerate(one.blind)]
        for one in programs:
            self.seen.programs[one.name] += len(programs) == 1
        for block in blocks:
            self.seen.lines += block.count(b"\n")
            self.seen.bytes += len(block)
            levels = [spot for spot in levels if not self._shows(block, *spot)]
            self._ends(block, stamps)
            for start, end in _hits(block, needles):
                line = block[start:end].rstrip(b"\r")
                parser = parsers[0] if len(parsers) == 1 else _whose(line, parsers)
                if parser is None:
                    continue
                if len(parsers) > 1:
                    self.seen.programs[parser.program.name] += 1
                yield from parser.read(line)
        for parser in parsers:
            yield from parser.finish()
            self.seen.changes += [(at, parser.program.name, text) for at, text in parser.changes]

    def _shows(self, block: bytes, one: Program, number: int, shown: tuple[bytes, ...]) -> bool:
        if not any(mark in block for mark in shown):
            return False
        self.seen.levels.setdefault(one.name, set()).add(number)
        return True

    def _ends(self, block: bytes, stamps: Stamps) -> None:
        """Times of the first and last line of a block."""
        self._span(stamps.of(block[:200]))
        last = block.rstrip(b"\n")
        self._span(stamps.of(last[last.rfind(b"\n") + 1 :][:200]))

    def _span(self, at: float | None) -> None:
        if at is not None:
            seen = self.seen
            seen.first = at if seen.first is None else min(seen.first, at)
            seen.last = at if seen.last is None else max(seen.last, at)


def recognise(sample: bytes) -> tuple[str, ...]:
    """Names of the programs whose lines are in the sample, the most frequent first."""
    found: Counter[str] = Counter()
    programs = all_programs()
    for line in sample.split(b"\n")[:400]:
        for one in programs:
            if any(mark.search(line[:2000]) for mark in one.marks):
                found[one.name] += 1
                break
    return tuple(name for name, _ in found.most_common())


def _whose(line: bytes, parsers: Sequence[Parser]) -> Parser | None:
    short = line[:2000]
    for parser in parsers:
        if any(mark.search(short) for mark in parser.program.marks):
            return parser
    return None


def _blocks(first: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Blocks that end with a line's end. Of a line longer than _MAX_LINE only the start is kept."""
    carry = b""
    block = first
    skipping = False
    while block:
        if skipping:
            end = block.find(b"\n")
            if end < 0:
                block = read(BLOCK)
                continue
            block = block[end + 1 :]
            skipping = False
        cut = block.rfind(b"\n") + 1
        if cut:
            yield carry + block[:cut]
            carry = block[cut:]
        else:
            carry += block
        if len(carry) > _MAX_LINE:
            yield carry[:_MAX_LINE] + b"\n"
            carry = b""
            skipping = True
        block = read(BLOCK)
    if carry:
        yield carry + b"\n"


def _hits(block: bytes, needles: Iterable[bytes]) -> list[tuple[int, int]]:
    """Start and end of the lines that hold a needle, in order."""
    found: dict[int, int] = {}
    for needle in needles:
        at = block.find(needle)
        while at >= 0:
            end = block.find(b"\n", at)
            if end < 0:
                end = len(block)
            found[block.rfind(b"\n", 0, at) + 1] = end
            at = block.find(needle, end)
    return sorted(found.items())
