"""The answer of `tlsight` alone, for a person: the paragraph, what to do, and where more is told."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detector.judging.answer import Answer
from detector.report.check_text import STYLES, escape, marked

# The colour of an answer is that of the verdict which it rests on.
_STYLES = {
    "yes": STYLES["intercepted"],
    "perhaps": STYLES["suspect"],
    "no": STYLES["direct"],
    "unproven": STYLES["consistent"],
    "unknown": STYLES["inconclusive"],
}
_HELP = "All that tlsight can do: tlsight --help"


def render(found: Answer, *, verbose: bool = False) -> RenderableType:
    """The whole answer; with `verbose` every site too."""
    first, colon, rest = escape(found.text).partition(":")
    if not colon:
        first, rest = "", escape(found.text)
    head = marked(f"[{_STYLES[found.answer]}]{first}{colon}[/]{rest}")
    lines: list[RenderableType] = [head]
    if verbose:
        lines.append(_sites(found))
    lines += [_step(one) for one in (*found.next_steps, _HELP)]
    return Group(*lines)


def _sites(found: Answer) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for one in found.hosts:
        style = STYLES[one.verdict]
        table.add_row(
            Text(one.verdict, style=style), marked(escape(one.host)), marked(escape(one.summary))
        )
    return table


def _step(text: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=3, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row(marked("[bold]→[/]"), marked(escape(text)))
    return grid
