"""What `tlsight doctor` found, for a person: a line each, the remedy below what it mends."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table

from detector.report.check_text import escape, marked
from detector.report.doctor_json import DoctorRecord

_MARKS = {"ok": "[green]✓[/]", "note": "[dim]·[/]", "problem": "[bold red]✗[/]"}


def render(found: DoctorRecord) -> RenderableType:
    """All lines, and how many problems there are."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    before = ""
    for one in found.findings:
        part = "" if one.part == before else one.part
        before = one.part
        grid.add_row(marked(_MARKS[one.level]), marked(f"[dim]{part}[/]"), marked(escape(one.text)))
        if one.remedy and one.level != "ok":
            grid.add_row("", "", marked(f"[bold]→[/] {escape(one.remedy)}"))
    notes = sum(one.level == "note" for one in found.findings)
    problems = found.problems
    count = f"{problems} problem{'' if problems == 1 else 's'}" if problems else "No problems"
    return Group(grid, marked(f"{count}, {notes} note{'' if notes == 1 else 's'}."))
