"""Explanations for a person."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from detector.messages.explaining import Explained
from detector.report.check_text import escape, marked

_STYLES = {"likely": "bold", "possible": "cyan", "unlikely": "dim"}


def render(explained: Explained) -> RenderableType:
    """Cause, who acts, what to do, how to be sure."""
    if not explained.causes:
        return Text("nothing in this text is known; paste the whole message, or the log's lines")
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for one in explained.causes:
        style = _STYLES[one.likelihood]
        led = ", ".join(one.identifiers[:2])
        lines = (
            f"[{style}]{one.cause.id}[/] {escape(one.cause.text)}\n"
            f"[dim]because of[/] {escape(led)}\n"
            + "".join(f"[dim]{party} acts:[/] {escape(fix)}\n" for party, fix in one.cause.advice)
            + f"[dim]to be sure:[/] {escape(one.tell_apart)}"
        )
        table.add_row(Text(one.likelihood, style=style), marked(lines))
    return table
