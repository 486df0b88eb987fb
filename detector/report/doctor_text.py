"""What `tlsight doctor` found, for a person: a line each, the remedy below what it mends."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from detector.report.check_text import escape, marked
from detector.report.doctor_json import DoctorRecord
from detector.report.layout import Hanging

_MARKS = {"ok": "[green]✓[/]", "note": "[dim]·[/]", "problem": "[bold red]✗[/]"}


def render(found: DoctorRecord) -> RenderableType:
    """All lines, and how many problems there are."""
    lines: list[RenderableType] = []
    room = max((len(one.part) for one in found.findings), default=0) + 2
    before = ""
    for one in found.findings:
        part = "" if one.part == before else one.part
        before = one.part
        mark = marked(f"{_MARKS[one.level]} [dim]{part:{room - 2}}[/]")
        lines.append(Hanging(mark, marked(escape(one.text)), room))
        if one.remedy and one.level != "ok":
            lines.append(Hanging(Text(), marked(f"[bold]→[/] {escape(one.remedy)}"), room))
    notes = sum(one.level == "note" for one in found.findings)
    problems = found.problems
    count = f"{problems} problem{'' if problems == 1 else 's'}" if problems else "No problems"
    return Group(*lines, marked(f"{count}, {notes} note{'' if notes == 1 else 's'}."))
