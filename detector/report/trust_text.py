"""The trust audit for a person."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detector.auditing.model import Finding
from detector.report.check_text import escape, marked
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


def _told(group: list[Finding]) -> Text:
    """One finding with every place it is true of; an enterprise's root is in a dozen bundles."""
    first = group[0]
    mark, style = _STYLES[first.level]
    lines = [f"[{style}]{mark}[/] {escape(first.text)} [dim]({first.id})[/]"]
    lines += [f"    [dim]{escape(_place(finding))}[/]" for finding in group[:_SHOWN_PATHS]]
    if len(group) > _SHOWN_PATHS:
        lines.append(f"    [dim]and {len(group) - _SHOWN_PATHS} more; see --json[/]")
    if first.remedy:
        lines.append(f"  {escape(first.remedy)}")
    return marked("\n".join(lines))


def _place(finding: Finding) -> str:
    return finding.path if finding.line is None else f"{finding.path}:{finding.line}"


def _places(found: TrustRecord, *, everything: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("store", "roots", "not public", "used by"):
        table.add_column(column, justify="right" if column in ("roots", "not public") else "left")
    for place in found.places:
        local = sum(not root.public for root in place.roots)
        name = escape(place.path)
        table.add_row(name, str(place.count), str(local) if local else "", escape(place.used_by))
        if everything:
            for root in place.roots:
                since = f", since {root.added:%Y-%m-%d}" if root.added else ""
                table.add_row(f"  [dim]{escape(root.subject)}, {root.key}{since}[/]", "", "", "")
    return table


def _tools(found: TrustRecord) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("tool", "goes by", "because of"):
        table.add_column(column)
    for tool in found.tools:
        also = "".join(f" + {name}" for name in tool.adds)
        table.add_row(tool.tool, escape(tool.path + also), escape(tool.because))
    return table
