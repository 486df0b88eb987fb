"""Lines of a terminal of 60 columns and more: paragraphs behind a mark, and tables that fit.

Theory of operation
-------------------
A terminal has 60 to 200 columns, an address up to 47, a name up to 253, a digest 64. What tells rows apart is never
cut: a cell that does not fit goes on in the next line, torn where a reader tears it himself (blank, slash, dot, colon,
hyphen). Where that is not enough, the columns that only say more are left out, the least of them first. A path that
would take more than MOST_LINES loses its middle, for its ends say what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

GAP = 2
MOST_LINES = 3
_TORN = re.compile(r"[^ .:/,-]*[ .:/,-]?")
_LEAST = 20

# Text and style.
Cell = tuple[str, str]


class Column(msgspec.Struct, frozen=True):
    """One column.

    Attributes:
        width: what it has; a table that fits itself gives it.
        right: figures, which stand to the right.
        kind: "figure" is never torn, "name" tells rows apart, "path" is one of a file, "words" are prose.
        minor: 0 stays; of the others the greatest is left out first where room is short.

    """

    title: str
    width: int = 0
    right: bool = False
    kind: Literal["figure", "name", "path", "words"] = "words"
    minor: int = 0


_NARROWEST = {"figure": 0, "name": 18, "path": 24, "words": 14}


class Hanging:
    """A text behind a mark, its further lines under its first.

    Args:
        mark: stands to the right in its room.
        body: may have several lines.
        room: columns of the mark.

    """

    def __init__(self, mark: Text, body: Text, room: int = 3) -> None:
        self._mark, self._body, self._room = mark, body, room

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width - self._room - 1, _LEAST)
        lead = Text(" " * max(self._room - self._mark.cell_len, 0)) + self._mark + Text(" ")
        for line in self._body.wrap(console, width, overflow="fold"):
            line.rstrip()
            yield lead + line
            lead = Text(" " * (self._room + 1))


class Fitted:
    """A table that fits itself into the terminal.

    Args:
        columns: of which minor ones may be left out.
        rows: a cell for each column.
        beneath: what stands in lines of its own under a row, by the row's number.

    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell]],
        beneath: Mapping[int, Cell] | None = None,
    ) -> None:
        self._columns, self._rows, self._beneath = columns, rows, beneath or {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.lines(options.max_width)

    def lines(self, width: int) -> Iterator[Text]:
        """Titles and rows in so many columns."""
        kept = fitting(self._columns, self._rows, width)
        shown = [column for _, column in kept]
        yield from table_row([(column.title, "dim") for column in shown], shown)
        for number, row in enumerate(self._rows):
            yield from table_row([row[place] for place, _ in kept], shown)
            if number in self._beneath:
                text, style = self._beneath[number]
                yield from (Text(f"  {line}", style=style) for line in torn(text, width - 2))


def fitting(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int
) -> list[tuple[int, Column]]:
    """The columns that have room, with their places and widths; one that is empty in every row needs none."""
    natural = [
        max([cell_len(column.title), *(cell_len(row[n][0]) for row in rows)])
        for n, column in enumerate(columns)
    ]
    kept = [n for n in range(len(columns)) if any(row[n][0] for row in rows)]
    while kept and _least(columns, natural, kept) > width:
        minor = max(kept, key=lambda n: (columns[n].minor, n))
        if not columns[minor].minor:
            break
        kept.remove(minor)
    widths = _shrunk(columns, natural, kept, width)
    return [
        (n, msgspec.structs.replace(columns[n], width=w)) for n, w in zip(kept, widths, strict=True)
    ]


def table_row(cells: Sequence[Cell], columns: Sequence[Column]) -> Iterator[Text]:
    """One row, in as many lines as its longest cell takes."""
    folded = [_folded(text, column) for (text, _), column in zip(cells, columns, strict=True)]
    for number in range(max(map(len, folded), default=0)):
        line = Text()
        for place, (parts, column, (_, style)) in enumerate(
            zip(folded, columns, cells, strict=True)
        ):
            part = parts[number] if number < len(parts) else ""
            pad = " " * (column.width - cell_len(part))
            line.append(pad + part if column.right else part, style=style)
            if place < len(columns) - 1:
                line.append(("" if column.right else pad) + " " * GAP)
        line.rstrip()
        yield line


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


def elided(path: str, width: int) -> str:
    """A path in so many columns: whole folders of its middle give way to an ellipsis."""
    if cell_len(path) <= width:
        return path
    parts = path.split("/")
    for gone in range(1, len(parts) - 1):
        start = max((len(parts) - gone) // 2, 1)
        short = "/".join((*parts[:start], "…", *parts[start + gone :]))
        if cell_len(short) <= width:
            return short
    return path


def _folded(text: str, column: Column) -> list[str]:
    if column.kind == "path":
        text = elided(text, column.width * MOST_LINES)
    return torn(text, max(column.width, 1))


def _least(columns: Sequence[Column], natural: Sequence[int], kept: Iterable[int]) -> int:
    widths = [_narrowest(columns[n], natural[n]) for n in kept]
    return sum(widths) + GAP * (len(widths) - 1)


def _narrowest(column: Column, natural: int) -> int:
    if column.kind == "figure":
        return natural
    return min(natural, max(_NARROWEST[column.kind], cell_len(column.title)))


def _shrunk(
    columns: Sequence[Column], natural: Sequence[int], kept: Sequence[int], width: int
) -> list[int]:
    """What each column gets: as wide as its cells, or the widest give way a column at a time."""
    widths = [natural[n] for n in kept]
    over = sum(widths) + GAP * (len(widths) - 1) - width
    for _ in range(max(over, 0)):
        most, place = max(
            (widths[k] - _narrowest(columns[n], natural[n]), k) for k, n in enumerate(kept)
        )
        if most <= 0:
            # Even the narrowest do not fit: what is left gives way, for no cell is cut.
            place = max(range(len(widths)), key=widths.__getitem__)
            if widths[place] <= 1:
                break
        widths[place] -= 1
    return widths


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
