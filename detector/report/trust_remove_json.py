"""`trust remove` for a program (JSON, schema tlsight.trust-remove/1) and for a person."""

from __future__ import annotations

from typing import Literal

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from detector.auditing.model import Setting
from detector.report.check_text import escape, marked

_MARKS = {
    "done": "[green]✓[/]", "failed": "[red]✗[/]", "told": "[yellow]→[/]", "planned": "[dim]·[/]",
}  # fmt: skip


class RemovalRecord(msgspec.Struct, frozen=True):
    """One step.

    Attributes:
        way: cut, refresh, command, line, or tell (a person has to do it).
        ended: planned, done, failed or told.

    """

    way: str
    path: str
    text: str
    ended: str
    why: str


class UnreadRecord(msgspec.Struct, frozen=True):
    path: str
    why: str


class TrustRemoveRecord(msgspec.Struct, frozen=True):
    """One run.

    Attributes:
        subject: of the root; "" where no store has it.
        before: stores that trusted it.
        left: stores that do, after the last step.
        unread: stores that could not be read.
        beside: proxies and policies that may have come with it.
        read: how many stores were read.

    """

    sha256: str
    subject: str
    dry_run: bool
    before: tuple[str, ...]
    steps: tuple[RemovalRecord, ...]
    left: tuple[str, ...]
    unread: tuple[UnreadRecord, ...]
    beside: tuple[Setting, ...]
    read: int
    schema: Literal["tlsight.trust-remove/1"] = "tlsight.trust-remove/1"


def render(found: TrustRemoveRecord) -> RenderableType:
    """Where it is, each step and how it ended, and whether it is gone."""
    parts: list[RenderableType] = []
    if not found.subject:
        parts.append(marked(f"[green]✓[/] in none of the {found.read} stores that were read"))
    else:
        stores = (
            f"{len(found.before)} stores trusted it" if found.before else "no store trusts it yet"
        )
        parts.append(marked(f"[bold]{escape(found.subject)}[/] [dim]{found.sha256}[/]: {stores}"))
    for step in found.steps:
        why = f"  [red]{escape(step.why)}[/]" if step.why else ""
        parts.append(marked(f"{_MARKS[step.ended]} {escape(step.text)}{why}"))
    for setting in found.beside:
        place = setting.where if setting.line is None else f"{setting.where}:{setting.line}"
        name = escape(setting.key.partition(":")[2])
        parts.append(
            marked(
                f"[dim]·[/] look at {name} = {escape(setting.value[:200])}  [dim]{escape(place)}[/]"
            )
        )
    parts += [
        marked(f"[yellow]![/] not read: {escape(unread.path)}  [dim]{escape(unread.why)}[/]")
        for unread in found.unread
    ]
    if found.dry_run and found.steps:
        parts.append(Text("Nothing was changed; --yes does what can be done here."))
    elif found.subject and found.left:
        parts.append(marked(f"[red]✗[/] still in {escape(', '.join(found.left))}"))
    elif found.subject:
        text = f"gone: {found.read} stores were read again, and none has it"
        parts.append(
            marked(f"[green]✓[/] {text}; programs that run keep it until they start again")
        )
    return Group(*parts)
