"""The servers of a capture as a table: one line a server, and under it a line for each thing that is wrong.

Theory of operation
-------------------
A terminal has 80 columns or more, an address up to 47, a name up to 253. So a cell that does not fit goes on in the
next line, torn where a reader tears it himself (blank, dot, colon, hyphen), and nothing is cut to "…". What has no
place in a line stands beneath. From 110 columns on there is room for how far the connections came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
from rich.cells import cell_len
from rich.text import Text

from detector.forensics.outcomes import UNSEEN
from detector.model.harmless import harmless
from detector.report.check_text import STYLES
from detector.report.pcap_json import FailureRecord, SummaryRecord
from detector.report.pcap_words import (
    REACHED,
    clients,
    clock,
    counted,
    ended,
    faults,
    odd_hellos,
    place,
    reached,
    spans_days,
)

_GAP = 2
_LEAST = 16
_WIDE = 110
_INDENT = 2
_ENDINGS = 3
_TORN = re.compile(r"[^ .:/,-]*[ .:/,-]?")
_FOOTNOTES = "¹²³⁴"
_UNSEEN = frozenset(UNSEEN.values())
_WHEN, _VERDICT = "when UTC", "verdict"


class Column(msgspec.Struct, frozen=True):
    title: str
    width: int
    right: bool = False


class ServerTable:
    """Lines of a table.

    Args:
        width: columns of the terminal.
        every: all ways in which connections failed, not only the most frequent three.

    """

    def __init__(self, width: int, *, every: bool = False) -> None:
        self._width = max(width, 60)
        self._every = every
        self._footnotes: list[str] = []

    def lines(self, records: Sequence[SummaryRecord]) -> Iterator[Text]:
        """Title, then the servers in their order."""
        times = [t for one in records for t in (one.first, one.last) if t is not None]
        days = spans_days(times)
        rows = [self._cells(one, days=days) for one in records]
        columns = self._columns(rows)
        yield from _row([column.title for column in columns], columns, ["dim"] * len(columns))
        for one, cells in zip(records, rows, strict=True):
            verdict = STYLES[one.verdict or "inconclusive"]
            failed = "bold red" if one.failed else ""
            styles = ["dim", "bold", "", *([""] if self._is_wide else []), failed, verdict]
            yield from _row(cells, columns, styles)
            for mark, style, text in beneath(one, days=days, every=self._every):
                yield from paragraph(mark, style, text, self._width, _INDENT)
        for mark, text in zip(_FOOTNOTES, self._footnotes, strict=False):
            yield from paragraph(mark, "dim", text, self._width, 0)

    @property
    def _is_wide(self) -> bool:
        return self._width >= _WIDE

    def _cells(self, one: SummaryRecord, *, days: bool) -> list[str]:
        when = min((f.first for f in one.failures), default=one.first)
        cells = [
            clock(when, days=days) if when is not None else "",
            place(one),
            clients(one),
            *([REACHED.get(reached(one), "")] if self._is_wide else []),
            counted(one),
            (one.verdict or "") + self._footnote(one),
        ]
        return [harmless(cell) for cell in cells]

    def _footnote(self, one: SummaryRecord) -> str:
        """The mark of why nobody saw who answers: told once for all servers."""
        if one.verdict != "inconclusive" or one.reason not in _UNSEEN:
            return ""
        if one.reason not in self._footnotes:
            self._footnotes.append(one.reason)
        return _FOOTNOTES[self._footnotes.index(one.reason)]

    def _columns(self, rows: Sequence[Sequence[str]]) -> list[Column]:
        titles = [_WHEN, "server", "from", *(["reached"] if self._is_wide else []), "failed"]
        titles.append(_VERDICT)
        widest = [
            max([cell_len(title), *(cell_len(row[n]) for row in rows)])
            for n, title in enumerate(titles)
        ]
        most_from = 24 if self._is_wide else 15
        widest[2] = min(widest[2], most_from)
        rest = self._width - sum(widest) + widest[1] - _GAP * (len(titles) - 1)
        widest[1] = min(widest[1], max(rest, _LEAST))
        right = len(titles) - 2
        return [
            Column(t, w, n == right) for n, (t, w) in enumerate(zip(titles, widest, strict=True))
        ]


_REASONS = {
    "intercepted": ("✗", "bold red"),
    "suspect": ("?", "bold yellow"),
    "private": ("·", "cyan"),
    "inconclusive": ("?", "bold magenta"),
}


def beneath(
    one: SummaryRecord, *, days: bool, every: bool = True
) -> Iterator[tuple[str, str, str]]:
    """Mark, its style, and text of what is wrong: why it failed, what else is, who answers.

    Args:
        one: a server.
        days: times are told with their day.
        every: all ways in which connections failed, not only the most frequent three.

    """
    shown = one.failures if every else one.failures[:_ENDINGS]
    for failure in shown:
        yield "✗", "bold red", _failure(failure, one, days=days)
    rest = len(one.failures) - len(shown)
    if rest:
        yield "·", "dim", f"and {rest} more ways in which they failed; --server shows them"
    for name, text in faults(one):
        yield "!", "bold yellow", f"{name}: {text}"
    odd = odd_hellos(one)
    if odd:
        yield "✗", "bold red", odd
    if one.reason is not None and one.verdict in _REASONS and one.reason not in _UNSEEN:
        mark, style = _REASONS[one.verdict]
        yield mark, style, f"{one.verdict}{_share(one)}: {one.reason}"


def _failure(one: FailureRecord, server: SummaryRecord, *, days: bool) -> str:
    many = f"{one.connections:,} × " if one.connections > 1 else ""
    parts = [ended(one), f"#{one.number}"]
    if one.connections > 1:
        start, end = clock(one.first, days=days), clock(one.last, days=days)
        parts[1:] = [f"{start} to {end}" if start != end else start, f"first #{one.number}"]
    if server.client is None:
        parts[-1] += f" from {one.client}"
    return f"{many}{one.cause}: {one.text} [{'; '.join(parts)}]"


def paragraph(mark: str, style: str, text: str, width: int, indent: int) -> Iterator[Text]:
    """A text behind a mark, its further lines under its first."""
    room = width - indent - 2
    for number, line in enumerate(torn(harmless(text), room)):
        lead = Text(" " * indent)
        lead.append(f"{mark} " if number == 0 else "  ", style=style)
        yield lead + Text(line)


def torn(text: str, width: int) -> list[str]:
    """Lines of at most so many columns: torn at blanks, what is longer after a dot, colon or hyphen, else anywhere."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        line = word
        while cell_len(line) > width:
            piece = _piece(line, width)
            lines.append(piece)
            line = line[len(piece) :]
    return [*lines, line] if line or not lines else lines


def _piece(word: str, width: int) -> str:
    """The beginning of a word that fits."""
    taken = ""
    for part in _TORN.findall(word):
        if cell_len(taken + part) > width:
            break
        taken += part
    if taken:
        return taken
    while taken != word and cell_len(taken + word[len(taken)]) <= width:
        taken += word[len(taken)]
    return taken or word[:1]


def _row(cells: Sequence[str], columns: Sequence[Column], styles: Sequence[str]) -> Iterator[Text]:
    folded = [torn(cell, column.width) for cell, column in zip(cells, columns, strict=True)]
    for number in range(max(map(len, folded))):
        line = Text()
        for place_, (parts, column, style) in enumerate(zip(folded, columns, styles, strict=True)):
            part = parts[number] if number < len(parts) else ""
            pad = " " * (column.width - cell_len(part))
            line.append(pad + part if column.right else part, style=style)
            if place_ < len(columns) - 1:
                line.append(("" if column.right else pad) + " " * _GAP)
        line.rstrip()
        yield line


def _share(one: SummaryRecord) -> str:
    """Of how many connections the verdict is, where it is not that of all."""
    count = one.verdicts.get(one.verdict or "", 0)
    return f" ({count:,} of {one.connections:,})" if 0 < count < one.connections else ""
