"""`trust fix` for a program (JSON, schema tlsight.trust-fix/1) and for a person."""

from __future__ import annotations

from typing import Literal

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from detector.report.check_text import escape, marked


class FixStepRecord(msgspec.Struct, frozen=True):
    """What was, or would be, done for one program.

    Attributes:
        line: as it is written or run; "" where nothing can be.
        path: the file that it goes into; "" for a command of the program's own.
        diff: what changes in files.
        note: what else there is to know.
        idle: a stronger setting is in the way, so that the line has no effect yet.

    """

    program: str
    line: str
    path: str
    diff: str
    note: str
    idle: bool = False


class TrustFixRecord(msgspec.Struct, frozen=True):
    """One run.

    Attributes:
        ask: whom to ask before anything is trusted.
        root, sha256: the CA; "" for an undo.
        files: files of certificates that lines name.

    """

    ask: str
    dry_run: bool
    undo: bool
    root: str
    sha256: str
    files: tuple[str, ...]
    steps: tuple[FixStepRecord, ...]
    schema: Literal["tlsight.trust-fix/1"] = "tlsight.trust-fix/1"


def render(found: TrustFixRecord) -> RenderableType:
    """Whom to ask, then each program's line, and what changes where nothing is written."""
    parts: list[RenderableType] = []
    if not found.undo:
        parts += [Text(f"First: {found.ask}", style="bold"), Text("")]
        parts.append(marked(f"{escape(found.root)} [dim]{found.sha256}[/]"))
    word = "would write" if found.dry_run else "wrote"
    if found.undo:
        word = "would take back" if found.dry_run else "took back"
    for step in found.steps:
        note = f"  [yellow]{escape(step.note)}[/]" if step.note else ""
        if not step.line:
            parts.append(marked(f"[dim]·[/] {escape(step.program)}{note}"))
            continue
        done = f"[green]✓[/] {escape(step.program)}: {word if step.path else _ran(found)}"
        where = f" [dim]{escape(step.path)}[/]" if step.path else ""
        parts.append(marked(f"{done} {escape(step.line) if not found.undo else ''}{where}{note}"))
        if found.dry_run:
            parts += [marked(f"  {escape(line)}") for line in step.diff.splitlines()]
    if not found.steps:
        parts.append(Text("· nothing was written before"))
    parts += _last(found)
    return Group(*parts)


def _ran(found: TrustFixRecord) -> str:
    return "would run" if found.dry_run else "ran"


def _last(found: TrustFixRecord) -> list[RenderableType]:
    written = [step for step in found.steps if step.line]
    if found.undo or not written:
        return []
    word = (
        "would be written" if found.dry_run else "hold the CA alone, and the public roots with it"
    )
    parts: list[RenderableType] = [marked(f"[dim]{escape(', '.join(found.files))} {word}[/]")]
    if not found.dry_run:
        names = written[0].program if len(written) == 1 else "--all"
        parts.append(marked("[dim]Variables count in a new shell.[/]"))
        parts.append(marked(f"[dim]Take it back with[/] tlsight trust fix {escape(names)} --undo"))
    return parts
