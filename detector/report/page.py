"""One self-contained page: no script, nothing loaded, readable in light and dark and on paper.

Theory of operation
-------------------
A page is a value (`Page`), one template draws it, and jinja2 escapes every text. What the template gives goes through
`harmless` line by line, so that a file that is shown in a terminal steers nothing either. The Content Security Policy
allows the one style sheet, by its digest, and nothing else: no text that slips through could load, run or restyle
anything. Choosing which verdicts are shown is done by that sheet (`:has`), without a script.

The page is written piece by piece: it is never held as one text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from detector.knowledge.whole_file import replacing
from detector.model.harmless import harmless
from detector.report.chart import Chart
from detector.report.palette import CHOICES, SHADES, TONE_OF, TONES
from detector.version import __version__

if TYPE_CHECKING:
    import jinja2

_MOST = 1_000
_PIECE = 200
_DIGEST = 64


class Point(msgspec.Struct, frozen=True):
    """A line behind a mark.

    Attributes:
        mark: one sign.
        text: what is said.
        tone: of `palette.TONES`, "" for none.
        beside: what is said less loudly: an id, a strength.

    """

    mark: str
    text: str
    tone: str = ""
    beside: str = ""


class Code(msgspec.Struct, frozen=True):
    """Lines to copy, and for which program they are or what they do."""

    label: str
    text: str


class TableOf(msgspec.Struct, frozen=True):
    """A table.

    Attributes:
        numbers: columns that hold numbers.
        whole: columns whose cells are never torn.
        head: the column that names the row.
        beneath: the last cell, where there is something in it, is a line of its own under its row.
        anchors: by row, the block that the head leads to; "" for none.
        kinds: by row, what the choice of the page hides it by.
        styles: cell -> tone.

    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    whole: tuple[int, ...] = ()
    head: int = 0
    beneath: bool = False
    anchors: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    styles: dict[str, str] = msgspec.field(default_factory=lambda: dict(TONE_OF))


class Block(msgspec.Struct, frozen=True):
    """Something to read: a host, a diagnosis, an onset, a hint.

    Attributes:
        badge: the one word that it amounts to.
        kind: what the choice of the page hides it by.
        beside: what stands next to the title.
        tone: of `palette.TONES`: the colour of its edge and its badge.
        anchor: how it is led to from a table.
        steps: rungs of a ladder: mark, step, how long it took, text.
        links: text and address.
        folded: the heading under which `facts`, `tables` and `more` are folded away; "" shows them.
        more: lines to copy that are folded away with them.
        inner: blocks within it, before what is folded.

    """

    title: str
    lines: tuple[str, ...] = ()
    badge: str = ""
    kind: str = ""
    beside: str = ""
    tone: str = ""
    anchor: str = ""
    steps: tuple[tuple[str, str, str, str], ...] = ()
    points: tuple[Point, ...] = ()
    codes: tuple[Code, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    folded: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    tables: tuple[TableOf, ...] = ()
    more: tuple[Code, ...] = ()
    inner: tuple[Block, ...] = ()


class Page(msgspec.Struct, frozen=True):
    """What the page says; every text is escaped when it is written.

    Attributes:
        figures: label and count.
        first: what comes before everything: interception.
        leading: tables before the chart and the blocks.
        choices: kinds (`palette.CHOICES`) that can be hidden, and how many there are of each.
        blocks_title: the heading over the blocks.

    """

    title: str
    lead: str
    figures: tuple[tuple[str, str], ...]
    first: tuple[Block, ...] = ()
    leading: tuple[TableOf, ...] = ()
    choices: tuple[tuple[str, int], ...] = ()
    chart: Chart | None = None
    blocks: Sequence[Block] = ()
    blocks_title: str = "In detail"
    tables: tuple[TableOf, ...] = ()
    notes: tuple[str, ...] = ()


def html(page: Page) -> str:
    """The page as text."""
    return "".join(_pieces(page))


def write_page(path: Path, page: Page) -> None:
    """The page as a file that is whole or not there. Raises StoreError."""
    _folder(path)
    with replacing(path) as file:
        for piece in _pieces(page):
            file.write(piece.encode("utf-8", "replace"))


def shown(text: str, most: int = _MOST) -> str:
    """A text of others: one line that steers nothing, and no longer than a reader reads."""
    if len(text) > most:
        text = f"{text[:most]}… ({len(text):,} characters)"
    return harmless(text)


def number(value: Any) -> str:
    """Digits in groups."""
    return f"{value:,}"


def _folder(path: Path) -> None:
    from detector.errors import StoreError

    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(str(path.parent), f"cannot be made: {error.strerror}") from None


def _pieces(page: Page) -> Iterator[str]:
    template, style, policy = _template()
    stream = template.stream(page=page, version=__version__, style=style, policy=policy)
    stream.enable_buffering(_PIECE)
    for piece in stream:
        yield "\n".join(harmless(line) for line in piece.expandtabs().split("\n"))


def _cells(table: TableOf, number: int) -> str:
    """One row. Here and not in the template, because most of a page is cells."""
    from markupsafe import Markup, escape

    row = table.rows[number]
    anchor = table.anchors[number] if table.anchors else ""
    made: list[str] = []
    for place, text in enumerate(row[:-1] if table.beneath else row):
        classes = [
            "n" if place in table.numbers else "",
            "whole" if place in table.whole else "",
            table.styles.get(text, ""),
            "hex" if len(text) == _DIGEST and text.isalnum() else "",
        ]
        named = f' class="{" ".join(filter(None, classes))}"' if any(classes) else ""
        told = escape(text)
        if place == table.head:
            linked = f'<a href="#{escape(anchor)}">{told}</a>' if anchor else told
            made.append(f'<th scope="row"{named}>{linked}</th>')
        else:
            made.append(f"<td{named}>{told}</td>")
    return Markup("".join(made))  # noqa: S704 - every text in it was escaped


def _policy(style: str) -> str:
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@lru_cache(maxsize=1)
def _template() -> tuple[jinja2.Template, str, str]:
    """The template, the style sheet as it stands in the page, and the policy that allows it."""
    import jinja2
    from markupsafe import Markup

    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals["cells"] = _cells
    style = made.get_template("report.css").render(tones=TONES, shades=SHADES, choices=CHOICES)
    # Texts of ours, and none of anybody else's.
    marked = Markup(style), Markup(_policy(style))  # noqa: S704
    return made.get_template("report.html"), *marked
