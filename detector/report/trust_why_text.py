"""`trust why` for a person: whom to ask, what is read and why, what is unsafe, and the line to add."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from detector.report.check_text import escape, marked
from detector.report.trust_why_json import TrustWhyRecord

_HOLDS = {True: "[green]holds the root[/]", False: "[red]lacks the root[/]", None: ""}
_MORE = 2


def render(found: TrustWhyRecord, *, everything: bool = False) -> RenderableType:
    """All lines; `everything` shows each way to mend it."""
    version = f" {escape(found.version)}" if found.version else ""
    parts: list[RenderableType] = []
    if found.root:  # else there is nobody whom the first line could speak of
        parts.append(_conclusion(found))
        parts += [marked(f"[bold]First:[/] {escape(found.ask)}"), Text("")]
    parts.append(marked(f"[bold]{escape(found.name)}[/]{version} reads:"))
    for store in found.stores:
        words = _HOLDS[store.holds] if found.root else ""
        trouble = f"[yellow]{escape(store.trouble)}[/]" if store.trouble else ""
        tail = "".join(f"  {part}" for part in (words, trouble) if part)
        parts.append(marked(f"  {escape(store.path)}  [dim]({escape(store.because)})[/]{tail}"))
    parts += _settings(found)
    for setting in found.unsafe:
        place = setting.where if setting.line is None else f"{setting.where}:{setting.line}"
        name = escape(setting.key.partition(":")[2])
        parts.append(
            marked(f"[red]✗[/] {name} turns verification off  [dim]{escape(place)}[/]: take it out")
        )
    for why in found.refused:
        text = f"Python refuses this CA since 3.13: {escape(why)}"
        parts.append(marked(f"[yellow]![/] {text}; ask for one that keeps to RFC 5280"))
    if not found.holds or everything:
        parts += _lines(found, everything=everything)
    return Group(*parts)


def _settings(found: TrustWhyRecord) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for use in found.settings:
        setting = use.setting
        place = setting.where if setting.line is None else f"{setting.where}:{setting.line}"
        mark = "[green]✓[/]" if use.counts else "[dim]·[/]"
        name = escape(setting.key.partition(":")[2])
        value = escape(setting.value[:200])
        why = "" if use.counts else f" [dim]does not count: {escape(use.why)}[/]"
        parts.append(marked(f"{mark} {name} = {value} {use.effect}  [dim]{escape(place)}[/]{why}"))
    if not parts:
        parts.append(marked("[dim]· no setting says otherwise[/]"))
    return parts


def _conclusion(found: TrustWhyRecord) -> RenderableType:
    """The answer, before what it rests on."""
    name, root = escape(found.name), escape(found.root or "")
    if found.holds:
        also = "another cause is at work, or another program"
        return marked(f"[green]✓[/] [bold]{name}[/] has {root} already: {also}")
    if found.holds is None:
        return marked(f"[yellow]![/] whether [bold]{name}[/] has {root} cannot be read")
    return marked(f"[red]✗[/] [bold]{name}[/] lacks {root}: it is in no store that it reads")


def _lines(found: TrustWhyRecord, *, everything: bool) -> list[RenderableType]:
    if not found.fixes:
        return []
    whose = "the root" if found.root else "a root"
    parts: list[RenderableType] = [
        Text(""),
        Text(f"Where the owner of {whose} has answered for it, the line is:"),
    ]
    for number, fix in enumerate(found.fixes if everything else found.fixes[:_MORE]):
        if fix.text:
            parts.append(marked(f"  [dim]# {escape(fix.text)}[/]"))
        if fix.file:
            parts.append(marked(f"  [dim]# in {escape(fix.file)}[/]"))
        shown = dict(fix.lines)
        if number and not everything:
            shown = {"sh": fix.lines.get("sh", "")}
        for shell, line in shown.items():
            label = f"{shell:11}" if len(shown) > 1 else ""
            for row, part in enumerate(line.split("\n")):
                shown_label = label if row == 0 else " " * len(label)
                parts.append(marked(f"  [dim]{shown_label}[/]{escape(part)}"))
    if found.check:
        parts.append(marked(f"  [dim]then[/] {escape(found.check)}"))
    parts.append(
        marked(f"  [dim]or[/] tlsight trust fix {escape(found.program)} --ca FILE --sha256 HEX")
    )
    return parts
