"""A diagnosis for a person: the ladder with its broken rung, then cause, evidence and fix."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from detector.knowledge.fixes import PROGRAM_NAMES
from detector.model.harmless import harmless
from detector.model.inquiry import Diagnosis, FoundCause, ServedSuites
from detector.report.check_text import STYLES, escape, marked, place
from detector.wire import registry as r
from detector.wire import suites

_MARKS = {"ok": "[green]✓[/]", "failed": "[bold red]✗[/]", "skipped": "[dim]·[/]"}
_SEVERITIES = {"error": "bold red", "warning": "bold yellow", "note": "cyan"}
_GRADES = {"good": "green", "dated": "yellow", "weak": "bold red"}


def render(diagnosis: Diagnosis, programs: tuple[str, ...] | None = None) -> RenderableType:
    """One diagnosis as a block.

    Args:
        diagnosis: what was found.
        programs: whose configuration to show; those of nginx, Apache and HAProxy when left out.

    """
    parts: list[RenderableType] = [_head(diagnosis), _ladder(diagnosis)]
    shown = programs if programs is not None else ("nginx", "apache", "haproxy")
    for number, cause in enumerate(diagnosis.causes):
        parts.append(_cause(cause, shown, whole=number == 0 or cause.severity == "error"))
    told = {text for cause in diagnosis.causes for text in cause.evidence}
    parts += [_row("[dim]it depends[/]", escape(t)) for t in diagnosis.flips if t not in told]
    if diagnosis.inquiry.unfinished:
        missing = ", ".join(diagnosis.inquiry.unfinished)
        text = f"Time ran out before these were done: {missing}; a longer --timeout gives more."
        parts.append(_row("[yellow]unfinished[/]", text))
    parts += [_row("[yellow]refused[/]", escape(text)) for text in diagnosis.refused]
    if diagnosis.inquiry.suites:
        parts.extend(_suites(found) for found in diagnosis.inquiry.suites)
    return Group(*parts)


def _head(diagnosis: Diagnosis) -> RenderableType:
    word, style = _word(diagnosis)
    verdict = diagnosis.judgement.verdict
    beside = f"  [dim]who answers:[/] [{STYLES[verdict]}]{verdict}[/]"
    where = escape(place(diagnosis.inquiry.observation))
    return marked(f"[{style}]{word}[/] [bold]{where}[/]{beside}")


def _word(diagnosis: Diagnosis) -> tuple[str, str]:
    if not diagnosis.healthy:
        return "BROKEN ", "bold red"
    if any(cause.severity == "warning" for cause in diagnosis.causes):
        return "WORKS, BUT", "bold yellow"
    return "HEALTHY", "bold green"


def _ladder(diagnosis: Diagnosis) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=3, justify="right")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for step in diagnosis.steps:
        took = "" if step.ms is None else f"{step.ms:.1f} ms"
        style = {"failed": "red", "skipped": "dim"}.get(step.status, "")
        table.add_row(
            marked(_MARKS[step.status]),
            Text(step.step, style="dim" if step.status == "skipped" else style),
            took,
            Text(harmless(step.text), style=style),
        )
    return table


def _cause(cause: FoundCause, programs: tuple[str, ...], *, whole: bool) -> RenderableType:
    style = _SEVERITIES[cause.severity]
    lines: list[RenderableType] = [
        _row(f"[{style}]{cause.severity}[/]", f"[bold]{escape(cause.text)}[/] [dim]({cause.id})[/]")
    ]
    labels = ("[dim]because[/]", *[""] * len(cause.evidence))
    lines += [
        _row(label, escape(text)) for label, text in zip(labels, cause.evidence, strict=False)
    ]
    if not whole:
        return Group(*lines)
    for fix in cause.fix:
        lines.append(_row(f"[green]{fix.party}[/]", escape(fix.text)))
        for program in programs:
            if program in fix.config:
                # In the terminal's own colour: a theme is unreadable on the other background.
                lines.append(_row(f"[dim]{PROGRAM_NAMES[program]}[/]", Text(fix.config[program])))
    if cause.confirm:
        lines.append(_row("[dim]to be sure[/]", escape(cause.confirm)))
        if cause.shows:
            lines.append(_row("", f"[dim]it {escape(cause.shows)}[/]"))
    if cause.references:
        lines.append(_row("[dim]see[/]", escape(", ".join(cause.references))))
    return Padding(Group(*lines), (1, 0, 0, 0))


def _suites(found: ServedSuites) -> RenderableType:
    order = "the server's order" if found.server_prefers else "the client's order"
    lines: list[RenderableType] = [
        marked(f"\n[bold]{r.version_name(found.version)}[/] [dim]{order}[/]")
    ]
    for code in found.suites:
        grade = suites.grade(code)
        profile = suites.profile(code)
        listed = f"Mozilla {profile}" if profile else "in none of Mozilla's profiles"
        lines.append(
            _row(f"[{_GRADES[grade]}]{grade}[/]", f"{suites.suite_name(code)} [dim]{listed}[/]")
        )
    return Group(*lines)


def _row(label: str, content: str | RenderableType) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=14, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row(
        marked(label),
        marked(content) if isinstance(content, str) else content,
    )
    return grid
