"""`trust why` for a person: whom to ask, what is read and why, what is unsafe, and the line to add.

Prose goes by the width of the terminal. Lines that are pasted are never torn: print it without cropping.
"""

from __future__ import annotations

import textwrap

from rich.console import Group, RenderableType
from rich.text import Text

from detector.report.check_text import escape, marked
from detector.report.layout import Hanging
from detector.report.trust_why_json import TrustWhyRecord

_HOLDS = {True: "[green]holds the root[/]", False: "[red]lacks the root[/]", None: ""}
_MORE = 2
_COMMENT = 74  # columns


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
        line = f"{escape(store.path)}  [dim]({escape(store.because)})[/]{tail}"
        parts.append(Hanging(Text(), marked(line), room=1))
    parts += _settings(found)
    for setting in found.unsafe:
        place = setting.where if setting.line is None else f"{setting.where}:{setting.line}"
        name = escape(setting.key.partition(":")[2])
        line = f"{name} turns verification off  [dim]{escape(place)}[/]: take it out"
        parts.append(Hanging(marked("[red]✗[/]"), marked(line), room=1))
    for why in found.refused:
        text = f"Python refuses this CA since 3.13: {escape(why)}"
        line = f"{text}; ask for one that keeps to RFC 5280"
        parts.append(Hanging(marked("[yellow]![/]"), marked(line), room=1))
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
        line = f"{name} = {value} {use.effect}  [dim]{escape(place)}[/]{why}"
        parts.append(Hanging(marked(mark), marked(line), room=1))
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
        comments = textwrap.wrap(fix.text, _COMMENT, break_long_words=False)
        if fix.file:
            comments.append(f"in {fix.file}")
        parts += [_pasted(f"  [dim]# {escape(line)}[/]") for line in comments]
        shown = dict(fix.lines)
        if number and not everything:
            shown = {"sh": fix.lines.get("sh", "")}
        for shell, line in shown.items():
            label = f"{shell:11}" if len(shown) > 1 else ""
            for row, part in enumerate(line.split("\n")):
                shown_label = label if row == 0 else " " * len(label)
                parts.append(_pasted(f"  [dim]{shown_label}[/]{escape(part)}"))
    if found.check:
        parts.append(_pasted(f"  [dim]then[/] {escape(found.check)}"))
    parts.append(
        _pasted(f"  [dim]or[/] tlsight trust fix {escape(found.program)} --ca FILE --sha256 HEX")
    )
    return parts


def _pasted(markup: str) -> Text:
    text = marked(markup)
    text.no_wrap, text.overflow = True, "ignore"
    return text
