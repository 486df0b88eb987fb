"""A diagnosis for a person: the answer in the first line, then the rungs, what shows it, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from detector.knowledge.fixes import PROGRAM_NAMES
from detector.model.harmless import harmless
from detector.model.inquiry import Diagnosis, FoundCause, ServedSuites
from detector.report.check_text import STYLES, escape, marked, place
from detector.report.digests import digests
from detector.report.layout import Hanging
from detector.report.said import Said
from detector.wire import registry as r
from detector.wire import suites

_MARKS = {"ok": "[green]✓[/]", "failed": "[bold red]✗[/]"}
_LABEL = 14
_SEVERITIES = {"error": "bold red", "warning": "bold yellow", "note": "cyan"}
_GRADES = {"good": "green", "dated": "yellow", "weak": "bold red"}


def render(
    diagnosis: Diagnosis, programs: tuple[str, ...] | None = None, *, verbose: bool = False
) -> RenderableType:
    """One diagnosis as a block: the answer, the rungs that were reached, what shows it, and the lines that mend it.

    Args:
        diagnosis: what was found.
        programs: whose configuration to show; those of nginx, Apache and HAProxy when left out.
        verbose: digests in full.

    """
    shown = programs if programs is not None else ("nginx", "apache", "haproxy")
    answer = _answer(diagnosis)
    said = Said()
    parts: list[RenderableType] = [_head(diagnosis, answer, said)]
    parts += _ladder(diagnosis, said)
    parts += _proof(diagnosis, verbose=verbose)
    for number, cause in enumerate(diagnosis.causes):
        whole = number == 0 or cause.severity == "error"
        parts += _cause(cause, shown, said, whole=whole, is_answer=cause is answer)
    parts += [_row("[dim]it depends[/]", escape(t)) for t in diagnosis.flips if said.anew(t)]
    if diagnosis.inquiry.unfinished:
        missing = ", ".join(diagnosis.inquiry.unfinished)
        text = f"Time ran out before these were done: {missing}; a longer --timeout gives more."
        parts.append(_row("[yellow]unfinished[/]", text))
    parts += [_row("[yellow]refused[/]", escape(text)) for text in diagnosis.refused]
    if diagnosis.inquiry.suites:
        parts.extend(_suites(found) for found in diagnosis.inquiry.suites)
    return Group(*parts)


def _answer(diagnosis: Diagnosis) -> FoundCause | None:
    """The cause that decides: what to mend first, of those that break it where it is broken."""
    level = "error" if not diagnosis.healthy else "warning"
    return next((cause for cause in diagnosis.causes if cause.severity == level), None)


def _head(diagnosis: Diagnosis, answer: FoundCause | None, said: Said) -> RenderableType:
    """The first line: how it stands, the cause, who acts, and how."""
    word, style = _word(diagnosis)
    where = escape(place(diagnosis.inquiry.observation))
    head = f"[{style}]{word}[/] [bold]{where}[/]: "
    if answer is None:
        return marked(f"{head}nothing is in a client's way.")
    said.anew(answer.text)
    head += f"{escape(answer.text)} "
    if answer.fix:
        first = answer.fix[0]
        said.anew(first.text)
        head += f"[green]{first.party.capitalize()} acts[/]: {escape(first.text)} "
    return marked(f"{head}[dim]({answer.id})[/]")


def _word(diagnosis: Diagnosis) -> tuple[str, str]:
    if not diagnosis.healthy:
        return "BROKEN", "bold red"
    if any(cause.severity == "warning" for cause in diagnosis.causes):
        return "WORKS, BUT", "bold yellow"
    return "HEALTHY", "bold green"


def _ladder(diagnosis: Diagnosis, said: Said) -> Iterator[RenderableType]:
    """The rungs that were reached; where it breaks no more is said than the first line did not."""
    reached = [step for step in diagnosis.steps if step.status != "skipped"]
    took = ["" if step.ms is None else f"{step.ms:.1f} ms" for step in reached]
    name_room = max((len(step.step) for step in reached), default=0)
    room = max(map(len, took), default=0)
    for step, ms in zip(reached, took, strict=True):
        style = "red" if step.status == "failed" else ""
        new = said.anew(step.text) or step.status == "ok"
        lead = marked(f"  {_MARKS[step.status]} ")
        lead.append(f"{step.step:{name_room}}", style=f"bold {style}".strip())
        lead.append(f" {ms:>{room}}" if room else "", style="dim")
        text = harmless(step.text) if new else "it breaks here"
        yield Hanging(lead, Text(text, style=style), lead.cell_len)


def _proof(diagnosis: Diagnosis, *, verbose: bool) -> Iterator[RenderableType]:
    """Who answers, and which certificate: short, or in full."""
    verdict = diagnosis.judgement.verdict
    yield _row("[dim]who answers[/]", f"[{STYLES[verdict]}]{verdict}[/]")
    yield from (
        _row(f"[dim]{label}[/]", text)
        for label, text in digests(diagnosis.judgement, verbose=verbose)
    )


def _cause(
    cause: FoundCause, programs: tuple[str, ...], said: Said, *, whole: bool, is_answer: bool
) -> Iterator[RenderableType]:
    style = _SEVERITIES[cause.severity]
    if not is_answer:
        yield Text("")
        yield _row(
            f"[{style}]{cause.severity}[/]", f"[bold]{escape(cause.text)}[/] [dim]({cause.id})[/]"
        )
        said.anew(cause.text)
    label = "[dim]because[/]"
    for text in cause.evidence:
        if said.anew(text):
            yield _row(label, escape(text))
            label = ""
    if not whole:
        return
    for fix in cause.fix:
        if said.anew(fix.text):
            yield _row(f"[green]{fix.party}[/]", escape(fix.text))
        for program in programs:
            if program in fix.config and said.anew(fix.config[program]):
                # In the terminal's own colour: a theme is unreadable on the other background.
                yield _row(f"[dim]{PROGRAM_NAMES[program]}[/]", Text(fix.config[program]))
    if cause.confirm and said.anew(cause.confirm):
        yield _row("[dim]to be sure[/]", escape(cause.confirm))
        if cause.shows:
            yield _row("", f"[dim]it {escape(cause.shows)}[/]")
    if cause.references:
        yield _row("[dim]see[/]", escape(", ".join(cause.references)))


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


def _row(label: str, content: str | Text) -> RenderableType:
    body = marked(content) if isinstance(content, str) else content
    return Hanging(marked(label), body, _LABEL)
