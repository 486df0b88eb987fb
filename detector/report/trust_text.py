"""The trust audit for a person."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from detector.auditing.model import Finding
from detector.model.harmless import harmless
from detector.report.check_text import escape, marked
from detector.report.layout import Cell, Column, Fitted, Hanging
from detector.report.trust_json import TrustRecord

_SHOWN_PATHS = 4
_STYLES = {"error": ("✗", "red"), "warning": ("!", "yellow"), "note": ("·", "dim")}


def render(found: TrustRecord, *, notes: bool, everything: bool) -> RenderableType:
    """Findings first, then where trust is decided, then what each tool goes by."""
    parts: list[RenderableType] = []
    shown = [f for f in found.findings if notes or f.level != "note"]
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in shown:
        groups.setdefault((finding.id, finding.text), []).append(finding)
    parts += [_told(group) for group in groups.values()]
    if not shown:
        parts.append(marked("[green]✓[/] nothing stands out"))
    parts += [Text(""), _places(found, everything=everything)]
    if found.tools:
        parts += [Text(""), _tools(found)]
    return Group(*parts)


def _told(group: list[Finding]) -> RenderableType:
    """One finding with every place it is true of; an enterprise's root is in a dozen bundles."""
    first = group[0]
    mark, style = _STYLES[first.level]
    lines = [f"{escape(first.text)} [dim]({first.id})[/]"]
    lines += [f"[dim]in[/] {escape(_place(finding))}" for finding in group[:_SHOWN_PATHS]]
    if len(group) > _SHOWN_PATHS:
        lines.append(f"[dim]and {len(group) - _SHOWN_PATHS} more; see --json[/]")
    if first.remedy:
        lines.append(f"[bold]→[/] {escape(first.remedy)}")
    return Hanging(marked(f"[{style}]{mark}[/]"), marked("\n".join(lines)), 1)


def _place(finding: Finding) -> str:
    return finding.path if finding.line is None else f"{finding.path}:{finding.line}"


_PLACES = (
    Column("store", kind="path"), Column("roots", right=True, kind="figure"),
    Column("not public", right=True, kind="figure"), Column("used by", minor=1),
)  # fmt: skip
_TOOLS = (
    Column("tool", kind="figure"), Column("goes by", kind="path"), Column("because of", minor=1),
)  # fmt: skip


def _places(found: TrustRecord, *, everything: bool) -> Fitted:
    rows: list[tuple[Cell, ...]] = []
    for place in found.places:
        local = sum(not root.public for root in place.roots)
        rows.append(
            _cells(place.path, str(place.count), str(local) if local else "", place.used_by)
        )
        for root in place.roots if everything else ():
            since = f", since {root.added:%Y-%m-%d}" if root.added else ""
            name = harmless(f"{root.subject}, {root.key}{since}")
            rows.append(((name, "dim"), ("", ""), ("", ""), ("", "")))
    return Fitted(_PLACES, rows)


def _tools(found: TrustRecord) -> Fitted:
    rows = []
    for tool in found.tools:
        also = "".join(f" + {name}" for name in tool.adds)
        rows.append(_cells(tool.tool, tool.path + also, tool.because))
    return Fitted(_TOOLS, rows)


def _cells(*texts: str) -> tuple[Cell, ...]:
    return tuple((harmless(text), "") for text in texts)
