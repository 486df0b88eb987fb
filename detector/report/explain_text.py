"""Explanations for a person."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from detector.messages.explaining import Answer, Explained, Explanation, Remedy
from detector.model.programs import TRUST_CAUSES, line_for
from detector.model.targets import socket_text
from detector.report.check_text import escape, marked
from detector.report.explain_json import BUNDLE, CA
from detector.report.layout import Hanging
from detector.report.said import Said

_STYLES = {"likely": "bold", "possible": "cyan", "unlikely": "dim"}
_ROOM = 8
_CAUSES, _REMEDIES, _TIMES, _OBEYED = 4, 5, 4, 8
_NOTHING = (
    "nothing in this text is about TLS; paste the whole message, or the log's lines around it"
)


def render(explained: Explained) -> RenderableType:
    """Each failure: cause, who acts, what to do, in which setting, how to be sure."""
    if not explained.answers:
        return Text(_NOTHING)
    several = len(explained.answers) > 1
    parts: list[RenderableType] = []
    for number, one in enumerate(explained.answers, 1):
        if several:
            parts.append(marked(f"[bold]{number}.[/] {escape(_where(one))}"))
        parts += _causes(one)
        parts += _program(one)
    return Group(*parts)


def _causes(one: Answer) -> Iterator[RenderableType]:
    """The likeliest first: what it is, who acts, and how; what the causes share is said of the first."""
    said = Said()
    for cause in one.causes[:_CAUSES]:
        style = _STYLES[cause.likelihood]
        yield Hanging(
            Text(cause.likelihood, style=style), marked(_cause(cause, style, said)), _ROOM
        )


def _cause(one: Explanation, style: str, said: Said) -> str:
    because = "; ".join((*one.identifiers[:2], *one.signals[:3]))
    lines = [f"[{style}]{one.cause.id}[/] {escape(one.cause.text)}"]
    lines += [
        f"[green]{party} acts:[/] {escape(fix)}"
        for party, fix in one.cause.advice
        if said.anew(fix)
    ]
    if because and said.anew(because):
        lines.append(f"[dim]because of[/] {escape(because)}")
    if said.anew(one.tell_apart):
        lines.append(f"[dim]to be sure:[/] {escape(one.tell_apart)}")
    return "\n".join(lines)


def _program(one: Answer) -> list[RenderableType]:
    """The settings of the program that wrote it."""
    if not one.programs:
        return []
    program = one.programs[0]
    lines = [f"[bold]{escape(program.name)}[/]{escape(_asked(one))}"]
    if any(remedy.cause in TRUST_CAUSES for remedy in one.remedies):
        lines.append(
            "[yellow]first[/] ask the people who run this network for their CA and its SHA-256; never take one from"
            " the connection itself"
        )
    lines += [_remedy(remedy, program.id) for remedy in one.remedies[:_REMEDIES]]
    # One key may have a row for each version.
    keys = list(
        dict.fromkeys(setting.key for known in one.programs[:2] for setting in known.setting)
    )
    if keys:
        more = " ..." if len(keys) > _OBEYED else ""
        lines.append(
            f"[dim]obeys, the strongest first:[/] {escape(', '.join(keys[:_OBEYED]))}{more}"
        )
    lines.append(f"[dim]which of them holds here:[/] tlsight trust why {program.id}")
    return [Padding(marked("\n".join(lines)), (0, 0, 1, 2))]


def _remedy(remedy: Remedy, first: str) -> str:
    fix = remedy.fix
    line = line_for(fix, "sh", CA, BUNDLE)
    inside = "" if remedy.program.id == first else f" ({remedy.program.name})"
    where = f" [dim]in[/] {escape(fix.file)}[dim]:[/]\n    " if fix.file else " "
    text = f"  [dim]{escape(fix.text)}[/]" if fix.text else ""
    shown = "\n    ".join(escape(each) for each in line.split("\n"))
    return f"[dim]{remedy.cause}{escape(inside)}:[/]{where}{shown}{text}"


def _where(one: Answer) -> str:
    times = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in one.lines[-_TIMES:])
    count = f"{one.times} times, last in lines" if one.times > 1 else "lines"
    hosts = ", ".join(one.hosts[:3])
    return f"{count} {times}" + (f", {hosts}" if hosts else "")


def _asked(one: Answer) -> str:
    parts = []
    if one.version:
        parts.append(one.version)
    if one.library:
        parts.append(f"by {one.library}")
    if one.host:
        parts.append(f"asked {socket_text(one.host, one.port or 443)}")
    if one.proxy:
        parts.append(f"through {one.proxy}")
    return f" {', '.join(parts)}" if parts else ""
