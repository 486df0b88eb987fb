"""Judgements for a person: the verdict first, then what decided it, then, if asked, the rest.

Everything a peer wrote goes through `escape`, so that it can neither style nor steer a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape as escape_markup
from rich.text import Text

from detector.chain.certificate import read_certificate
from detector.errors import CertificateError
from detector.model.harmless import harmless
from detector.model.observation import Cause, Evidence, Judgement, Observation
from detector.model.targets import socket_text
from detector.report.digests import digests
from detector.report.layout import Hanging
from detector.report.said import Said
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
_NOT_CLEAN = ("private", "suspect", "intercepted")
_SHOWN = 3
_WAY_OUT = "Mend this machine's network or its resolver; where a proxy is the only way out, name it: --proxy URL."


def escape(text: str) -> str:
    """Markup and control characters made harmless."""
    return escape_markup(harmless(text))


def marked(markup: str) -> Text:
    """Markup as text. Names of emoji stay what they are: the middle of an IPv6 address looks like one."""
    return Text.from_markup(markup, emoji=False)


def render(judgement: Judgement, verbose: bool = False, said: Said | None = None) -> RenderableType:
    """One judgement as a block of lines.

    Args:
        judgement: what was found.
        verbose: all evidence, the handshake and the chain.
        said: what blocks before this one have told of others, and is not told again.

    """
    seen = judgement.observation
    said = said or Said()
    head = (
        f"[{STYLES[judgement.verdict]}]{judgement.verdict.upper():13}[/] "
        f"[bold]{escape(place(seen))}[/]{escape(_beside(judgement))}"
    )
    reason = _reason(judgement)
    lines: list[RenderableType] = []
    alone = _says_all(judgement, reason) if judgement.verdict == "inconclusive" else None
    if judgement.verdict == "inconclusive":
        said.anew(reason)
        acts = f" [dim]({alone.id}, {alone.party} acts)[/]" if alone is not None else ""
        lines.append(marked(f"{head}  {escape(reason)}{acts}"))
    else:
        lines.append(marked(head))
        if said.anew(reason):
            lines.append(_row("", escape(reason)))
    shown = judgement.evidence if verbose else deciding(judgement)
    lines.extend(_finding(e, said) for e in shown)
    lines.extend(_words(judgement, said, verbose=verbose))
    for cause in judgement.causes:
        if cause is alone or cause.id == "tls-intercepted" or not said.anew(cause.text):
            continue
        lines.append(_row("[yellow]![/]", f"{escape(cause.text)} [dim]({cause.id})[/]"))
    if verbose:
        lines.extend(_details(judgement))
    elif judgement.verdict in _NOT_CLEAN:
        lines.extend(
            _row("", f"[dim]{label} {text}[/]")
            for label, text in digests(judgement, verbose=False)
            if said.anew(text)
        )
    return Group(*lines)


def _reason(judgement: Judgement) -> str:
    """The summary, without the verdict that stands before it."""
    text = judgement.summary.removeprefix(f"{judgement.verdict.capitalize()}: ")
    # What could not be judged may begin with a host's name.
    return text if judgement.verdict == "inconclusive" else text[:1].upper() + text[1:]


def _says_all(judgement: Judgement, reason: str) -> Cause | None:
    """The cause of which the reason has told everything but who acts. A cause's text is a sentence, with its end."""
    said = reason.rstrip(".").casefold()
    return next((c for c in judgement.causes if c.text.rstrip(".").casefold() == said), None)


def _words(judgement: Judgement, said: Said, *, verbose: bool) -> list[RenderableType]:
    """What the verdict leaves open, and what decides it; of a clean one only when asked."""
    lines: list[RenderableType] = []
    why = judgement.explanation
    if why and (verbose or judgement.verdict in ("suspect", "private")) and said.anew(why):
        lines.append(_row("[dim]?[/]", escape(why)))
    if judgement.next_step and said.anew(judgement.next_step):
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
    """Targets that all failed for one `network_reason`: one sentence, one remedy."""
    verdict = judgements[0].verdict
    head = f"[{STYLES[verdict]}]{verdict.upper():13}[/] [bold]all {len(judgements)} targets[/]  "
    step = judgements[0].next_step or _WAY_OUT
    return Group(marked(head + escape(reason)), _row("[bold]→[/]", escape(step)))


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


def _finding(evidence: Evidence, said: Said) -> RenderableType:
    mark, style = _MARKS[evidence.points]
    text = escape(evidence.text) if said.anew(evidence.text) else "As above."
    return _row(f"[{style}]{mark}[/]", f"{text} [dim]({evidence.id}, {evidence.strength})[/]")


def _details(judgement: Judgement) -> list[RenderableType]:
    """The handshake, its times, and every certificate with its digests in full."""
    lines: list[RenderableType] = []
    seen = judgement.observation
    done = seen.handshake
    if done is not None:
        parts = (done.version, done.cipher, done.group, done.alpn and f"ALPN {done.alpn}")
        lines.append(_row("", "[dim]handshake[/] " + escape(", ".join(p for p in parts if p))))
    if seen.ms:
        times = ", ".join(f"{step} {value:g}" for step, value in seen.ms.items())
        lines.append(_row("", f"[dim]milliseconds[/] {times}"))
    for position, der in enumerate(seen.chain):
        try:
            read = read_certificate(der)
        except CertificateError as error:
            lines.append(_row(f"[dim]{position}[/]", escape(f"unreadable: {error}")))
            continue
        lines.append(
            _row(
                f"[dim]{position}[/]",
                f"{escape(read.subject_text)}\n[dim]by[/] {escape(read.issuer_text)}[dim], until[/]"
                f" {read.not_after:%Y-%m-%d}\n[dim]SHA-256[/] {read.sha256}\n[dim]its key[/] {read.spki_sha256}",
            )
        )
    return lines


def _row(mark: str, markup: str) -> RenderableType:
    return Hanging(marked(mark), marked(markup))
