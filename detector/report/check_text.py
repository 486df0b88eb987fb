"""Judgements for a person: the verdict first, then what decided it, then, if asked, the rest.

Everything a peer wrote goes through `escape`, so that it can neither style nor steer a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape as escape_markup
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from detector.chain.certificate import read_certificate
from detector.errors import CertificateError
from detector.model.harmless import harmless
from detector.model.observation import Evidence, Judgement, Observation
from detector.model.targets import socket_text
from detector.report.terminal import console

STYLES = {
    "direct": "bold green",
    "consistent": "green",
    "private": "cyan",
    "suspect": "bold yellow",
    "intercepted": "bold red",
    "inconclusive": "bold magenta",
}
_MARKS = {"intercepted": ("✗", "red"), "direct": ("✓", "green"), "neutral": ("·", "dim")}
_SHOWN = 3
_NAMED = 4


def escape(text: str) -> str:
    """Markup and control characters made harmless."""
    return escape_markup(harmless(text))


def marked(markup: str) -> Text:
    """Markup as text. Names of emoji stay what they are: the middle of an IPv6 address looks like one."""
    return Text.from_markup(markup, emoji=False)


def render(judgement: Judgement, verbose: bool = False) -> RenderableType:
    """One judgement as a block of lines."""
    seen = judgement.observation
    head = marked(
        f"[{STYLES[judgement.verdict]}]{judgement.verdict.upper():13}[/] "
        f"[bold]{escape(place(seen))}[/]{escape(_beside(judgement))}"
    )
    lines: list[RenderableType] = [head, _row("", escape(judgement.summary))]
    shown = judgement.evidence if verbose else deciding(judgement)
    lines.extend(_finding(e) for e in shown)
    lines.extend(_words(judgement, verbose))
    for cause in judgement.causes:
        if cause.id == "tls-intercepted" or cause.text in judgement.summary:
            continue
        lines.append(_row("[yellow]![/]", f"{escape(cause.text)} [dim]({cause.id})[/]"))
    if verbose:
        lines.extend(_details(seen))
    return Group(*lines)


def _words(judgement: Judgement, verbose: bool) -> list[RenderableType]:
    """What the verdict leaves open, and what decides it; of a clean one only when asked."""
    lines: list[RenderableType] = []
    if judgement.explanation and (verbose or judgement.verdict in ("suspect", "private")):
        lines.append(_row("[dim]?[/]", escape(judgement.explanation)))
    if judgement.next_step:
        lines.append(_row("[bold]→[/]", escape(judgement.next_step)))
    return lines


def deciding(judgement: Judgement) -> Sequence[Evidence]:
    """The two or three findings that decided: the first ones that are not idle."""
    telling = [e for e in judgement.evidence if e.points != "neutral"]
    return (telling or list(judgement.evidence))[:_SHOWN]


def summary(verdicts: Counter[str]) -> Text:
    """How many of each verdict, worst first."""
    order = ("intercepted", "suspect", "inconclusive", "private", "consistent", "direct")
    parts = [f"[{STYLES[v]}]{verdicts[v]} {v}[/]" for v in order if verdicts[v]]
    return marked(f"{sum(verdicts.values())} targets: " + ", ".join(parts))


def network_reason(seen: Observation) -> str | None:
    """A failure of this machine's own network or of the proxy, in words that are the same for every target."""
    failure = seen.failure
    if failure is None or failure.step not in ("dns", "tcp"):
        return None
    if failure.dialled == "proxy":
        return failure.text
    if not failure.why:
        return None
    what = "none of the names resolves" if failure.step == "dns" else "none can be reached"
    return f"{what}: {failure.why}"


def render_together(judgements: Sequence[Judgement], reason: str) -> RenderableType:
    """Targets that all failed for one `network_reason`, as one block."""
    verdict = judgements[0].verdict
    head = Text.from_markup(
        f"[{STYLES[verdict]}]{verdict.upper():13}[/] [bold]all {len(judgements)} targets[/]"
    )
    named = ", ".join(place(judgement.observation) for judgement in judgements[:_NAMED])
    more = f" and {len(judgements) - _NAMED} more" if len(judgements) > _NAMED else ""
    return Group(
        head,
        _row("", escape(f"{verdict.capitalize()}: {reason}")),
        _row("", f"[dim]{escape(named)}{more}[/]"),
    )


def stdout_console(color: bool | None = None) -> Console:
    """A console for results; width follows the terminal, colours honour NO_COLOR."""
    return console(color=color)


def place(seen: Observation) -> str:
    target = seen.target
    where = socket_text(target.host, target.port)
    return f"{where} at {target.dialled}" if target.dialled is not None else where


def _beside(judgement: Judgement) -> str:
    seen, who = judgement.observation, judgement.interceptor
    parts: list[str] = []
    if judgement.verdict == "intercepted" and who is not None:
        name = who.product or who.engine or "an unknown interceptor"
        parts.append(f"by {name}" + (f" ({who.category})" if who.category else ""))
        if who.engine and who.engine != name:
            parts.append(f"engine {who.engine}")
        if judgement.sanctioned:
            parts.append("sanctioned")
    if seen.route.proxy:
        parts.append(f"through {seen.route.proxy}")
    return "  " + ", ".join(parts) if parts else ""


def _finding(evidence: Evidence) -> RenderableType:
    mark, style = _MARKS[evidence.points]
    text = f"{escape(evidence.text)} [dim]({evidence.id}, {evidence.strength})[/]"
    return _row(f"[{style}]{mark}[/]", text)


def _details(seen: Observation) -> list[RenderableType]:
    lines: list[RenderableType] = []
    done = seen.handshake
    if done is not None:
        parts = (done.version, done.cipher, done.group, done.alpn and f"ALPN {done.alpn}")
        lines.append(_row("", "[dim]handshake[/] " + escape(", ".join(p for p in parts if p))))
    if seen.ms:
        times = ", ".join(f"{step} {value:g}" for step, value in seen.ms.items())
        lines.append(_row("", f"[dim]milliseconds[/] {times}"))
    table = Table(box=None, show_header=True, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("", "subject", "issuer", "valid until", "SPKI SHA-256"):
        table.add_column(title, overflow="fold")
    for position, der in enumerate(seen.chain):
        try:
            read = read_certificate(der)
        except CertificateError as error:
            table.add_row(str(position), escape(f"unreadable: {error}"), "", "", "")
            continue
        table.add_row(
            str(position),
            escape(read.subject_text),
            escape(read.issuer_text),
            f"{read.not_after:%Y-%m-%d}",
            read.spki_sha256[:16],
        )
    if seen.chain:
        lines.append(Padding(table, (0, 0, 0, 2)))
    return lines


def _row(mark: str, markup: str) -> RenderableType:
    """An indented line with a hanging indent when it wraps."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=3, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row(marked(mark), marked(markup))
    return grid
