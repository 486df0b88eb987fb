"""A grade for a person: the letter and what decides it first, then what failed, then the rest in a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from detector.model.grades import Outcome
from detector.report.check_text import escape, marked
from detector.report.grade_json import GradeAnswerRecord, GradeRecord

HEADINGS = {
    "certificates": "Certificates of servers",
    "upstream-tls": "TLS with servers",
    "client-tls": "TLS with clients",
    "own-ca": "What it mints",
    "lost": "What is lost on the way",
}
OUTCOMES: tuple[tuple[Outcome, str], ...] = (
    ("passed", "passed"), ("passed-on", "passed on to the client"), ("failed", "failed"),
    ("not-asked", "not asked"), ("unclear", "unclear"),
)  # fmt: skip
# Tests without an answer, from which on the letter says less than it seems to.
_MANY = 8
_STYLES = {
    "A": "bold green",
    "B": "bold green",
    "C": "bold yellow",
    "D": "bold red",
    "F": "bold red",
}
_MARKS = {
    "passed": "[green]✓[/]",
    "failed": "[bold red]✗[/]",
    "passed-on": "[cyan]↷[/]",
    "not-asked": "[dim]·[/]",
    "unclear": "[dim]?[/]",
}


def render(found: GradeRecord, *, verbose: bool = False) -> RenderableType:
    """The whole; with `verbose`, tests that passed or were not asked too."""
    return Group(*_lines(found, verbose=verbose))


def _lines(found: GradeRecord, *, verbose: bool) -> Iterator[RenderableType]:
    if found.letter is None:
        yield marked(f"[bold]No grade:[/] {escape(found.why_none)} ({escape(found.route)}).")
        return
    by_id = {one.test: one for one in found.answers}
    head = f"[{_STYLES[found.letter]}]Grade {found.letter}[/]  {escape(found.route)}"
    yield marked(head)
    for name in found.reasons:
        yield _within(f"{escape(by_id[name].bad)} {escape(by_id[name].why)}")
    if not found.reasons:
        yield _within("Everything that could be asked it did well.")
    counts: Counter[str] = Counter(one.outcome for one in found.answers)
    told = [
        f"{counts[outcome]} {word}"
        for outcome, word in OUTCOMES
        if counts[outcome]
    ]  # fmt: skip
    yield marked(f"  [dim]Of {len(found.answers)} tests: {', '.join(told)}.[/]")
    if found.not_asked > _MANY:
        yield _within(f"[yellow]{escape(found.unasked)}[/]")
    for group, heading in HEADINGS.items():
        rows = [
            one for one in found.answers
            if one.group == group and (verbose or one.outcome in ("failed", "passed-on"))
        ]  # fmt: skip
        if rows:
            yield Text("")
            yield marked(f"[bold]{heading}[/]")
            yield _table(rows, verbose=verbose)
    if not verbose:
        yield marked(
            "\n[dim]-v shows every test; --json why each matters and what its maker can do.[/]"
        )


def _within(text: str) -> RenderableType:
    """Indented, and so are the lines that it is broken into."""
    return Padding(marked(text), (0, 0, 0, 2))


def _table(rows: list[GradeAnswerRecord], *, verbose: bool) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for one in rows:
        failed = one.outcome == "failed"
        told = one.bad if failed else one.seen or "nothing against it"
        grid.add_row(
            marked(f"  {_MARKS[one.outcome]}"),
            marked(one.best if failed else " "),
            marked(escape(one.test)),
            marked(escape(told)),
        )
        if failed and one.seen:
            grid.add_row("", "", "", marked(f"[dim]{escape(one.seen)}[/]"))
        if failed and verbose:
            grid.add_row("", "", "", marked(f"→ {escape(one.vendor)}"))
    return grid
