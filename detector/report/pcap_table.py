"""The servers of a capture as a table: one line a server, and under it a line for each thing that is wrong.

Theory of operation
-------------------
Nothing is cut, see `layout`. What has no place in a line stands beneath. From 110 columns on there is room for how
far the connections came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from detector.forensics.outcomes import UNSEEN
from detector.model.harmless import harmless
from detector.report.check_text import STYLES
from detector.report.layout import GAP, Column, table_row, torn
from detector.report.moments import form_beside
from detector.report.pcap_json import FailureRecord, SummaryRecord
from detector.report.pcap_words import (
    REACHED,
    called,
    clients,
    counted,
    ended,
    faults,
    odd_hellos,
    place,
    reached,
)

_LEAST = 10
_USUAL, _WIDE = 76, 110
_INDENT = 2
_ENDINGS = 3
_FOOTNOTES = "¹²³⁴⁵"
_UNSEEN = frozenset(UNSEEN.values())
# What a line is about: a cause, how often, or a verdict of so many.
_ID = re.compile(r"(?:[\d,]{1,20} × )?[a-z0-9-]{1,60}(?: \([\d,]{1,20} of [\d,]{1,20}\))?:")
_WHEN, _VERDICT = "when UTC", "verdict"


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
        form = form_beside(times)
        rows = [self._cells(one, form=form) for one in records]
        columns = self._columns(rows)
        yield from table_row([(column.title, "dim") for column in columns], columns)
        for one, cells in zip(records, rows, strict=True):
            verdict = STYLES[one.verdict or "inconclusive"]
            failed = "bold red" if one.failed else ""
            styles = ["dim", "bold", "", *([""] if self._is_wide else []), failed, verdict]
            yield from table_row(list(zip(cells, styles, strict=True)), columns)
            for mark, style, text in beneath(one, form=form, every=self._every):
                yield from paragraph(mark, style, text, self._width, _INDENT)
        for mark, text in zip(_FOOTNOTES, self._footnotes, strict=False):
            yield from paragraph(mark, "dim", text, self._width, 0)

    @property
    def _is_wide(self) -> bool:
        return self._width >= _WIDE

    def _cells(self, one: SummaryRecord, *, form: str) -> list[str]:
        when = min((f.first for f in one.failures), default=one.first)
        cells = [
            f"{when:{form}}" if when is not None else "",
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
        most_from = 24 if self._is_wide else 15 if self._width >= _USUAL else 9
        widest[2] = min(widest[2], most_from)
        rest = self._width - sum(widest) + widest[1] - GAP * (len(titles) - 1)
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


def beneath(one: SummaryRecord, *, form: str, every: bool = True) -> Iterator[tuple[str, str, str]]:
    """Mark, its style, and text of what is wrong: why it failed, what else is, who answers.

    Args:
        one: a server.
        form: how times are written, for strftime.
        every: all ways in which connections failed, not only the most frequent three.

    """
    shown = one.failures if every else one.failures[:_ENDINGS]
    for failure in shown:
        yield "✗", "bold red", _failure(failure, one, form=form)
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


def _failure(one: FailureRecord, server: SummaryRecord, *, form: str) -> str:
    many = f"{one.connections:,} × " if one.connections > 1 else ""
    name = called(one.number, one.source)
    parts = [ended(one), name]
    if one.connections > 1:
        start, end = f"{one.first:{form}}", f"{one.last:{form}}"
        parts[1:] = [f"{start} to {end}" if start != end else start, f"first {name}"]
    if server.client is None:
        parts[-1] += f" from {one.client}"
    return f"{many}{one.cause}: {one.text} [{'; '.join(parts)}]"


def paragraph(mark: str, style: str, text: str, width: int, indent: int) -> Iterator[Text]:
    """A text behind a mark, its further lines under its first."""
    room = width - indent - 2
    for number, line in enumerate(torn(harmless(text), room)):
        lead = Text(" " * indent)
        lead.append(f"{mark} " if number == 0 else "  ", style=style)
        told = Text(line)
        if number == 0 and _ID.match(line):
            told.stylize("bold", 0, line.index(":"))
        yield lead + told


def _share(one: SummaryRecord) -> str:
    """Of how many connections the verdict is, where it is not that of all."""
    count = one.verdicts.get(one.verdict or "", 0)
    return f" ({count:,} of {one.connections:,})" if 0 < count < one.connections else ""
