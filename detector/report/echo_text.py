"""What became of the hellos, for a person: the answer first, then what differs, then the other clients and the rest."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType

from detector.forensics.echoed import EchoedHello
from detector.model.targets import socket_text
from detector.report.check_text import escape, marked
from detector.report.echo_json import AgreedRecord, EchoRecord

_STYLE = {
    "unchanged": "bold green", "repacked": "bold yellow", "edited": "bold red",
    "rewritten": "bold red", "nothing": "bold magenta",
}  # fmt: skip
_SHOWN = 12


def render(found: EchoRecord, *, verbose: bool = False) -> RenderableType:
    """All lines; `verbose` shows every difference of every hello."""
    first = _leading(found)
    lines = [_answer(found, first)]
    if not found.proven and found.key is not None:
        lines.append(
            "[yellow]![/] Not proven: the key came with the answer. Give the URL with its #ed25519=, or --key."
        )
    lines += _differences(first, everything=verbose)
    for one in found.hellos:
        if one is first:
            continue
        lines.append(_line(one))
        if verbose:
            lines += _differences(one, everything=True)
    for told in found.headers:
        value = f" [dim]{escape(told.arrived[:120])}[/]" if told.arrived and not told.sent else ""
        lines.append(f"[yellow]·[/] {escape(told.text)}{value}")
    lines += _facts(found)
    return Group(*map(marked, lines))


def _leading(found: EchoRecord) -> EchoedHello | None:
    """The first that has the fate of the whole."""
    return next((one for one in found.hellos if one.fate == found.fate), None)


def _answer(found: EchoRecord, first: EchoedHello | None) -> str:
    where = escape(socket_text(found.host, found.port))
    way = f" by way of the proxy {escape(found.proxy)}" if found.proxy else ""
    style = _STYLE[found.fate]
    if found.fate == "unchanged":
        text = "The hello arrived byte for byte: nobody decrypts on this way, unless he has the server's own key."
        return f"[{style}]Unchanged.[/] {text} [dim]({where}{way})[/]"
    if found.fate == "nothing" or first is None:
        why = escape(first.why) if first is not None else "nothing was sent"
        return f"[{style}]Nothing came.[/] {why} [dim]({where}{way})[/]"
    if found.fate == "repacked":
        text = (
            "The hello is the same, and not packed as it was sent: somebody takes the stream apart."
        )
        return f"[{style}]Repacked.[/] {text} [dim]({where}{way})[/]"
    if found.fate == "edited":
        text = "Somebody changed the hello on its way."
        return f"[{style}]Edited.[/] {text} [dim]({where}{way})[/]"
    who = _who(first)
    product = f"; the request bears the header of {escape(' and '.join(found.products))}"
    return (
        f"[{style}]Rewritten{who}.[/] Another hello arrived{product if found.products else ''}."
        f" [dim]({where}{way})[/]"
    )


def _who(one: EchoedHello) -> str:
    if one.written_by is None:
        return " by somebody whose hello is not known"
    name = escape(one.written_by)
    if one.written_by_kind == "library":
        return f" with the library of {name}"
    if one.written_by_kind == "browser":
        return f" with the hello of {name}"
    return f" by {name}"


def _line(one: EchoedHello) -> str:
    """One hello that is not the answer's."""
    count = len(one.differences)
    more = f", {count} difference{'s' * (count != 1)}" if count else ""
    lost = [told.field for told in one.differences if told.kind == "lost"]
    losses = f"; lost: {', '.join(lost)}" if lost else ""
    if one.fate == "nothing":
        return f"[magenta]·[/] {escape(one.client)}: nothing came. [dim]{escape(one.why)}[/]"
    mark = "[green]✓[/]" if one.fate == "unchanged" else "[red]✗[/]"
    who = _who(one) if one.fate == "rewritten" else ""
    return f"{mark} {escape(one.client)}: {one.fate}{who}{more}{escape(losses)}"


def _differences(one: EchoedHello | None, *, everything: bool) -> Iterator[str]:
    if one is None:
        return
    shown = one.differences if everything else one.differences[:_SHOWN]
    for told in shown:
        mark = "[red]✗[/]" if told.kind == "lost" else "[yellow]·[/]"
        yield f"  {mark} {escape(told.text)}"
    if len(one.differences) > len(shown):
        yield f"  [dim]and {len(one.differences) - len(shown)} more; --verbose[/]"


def _facts(found: EchoRecord) -> Iterator[str]:
    if found.here is not None and found.there is not None and found.here != found.there:
        yield f"[dim]with us {escape(_agreed(found.here))}; with the server {escape(_agreed(found.there))}[/]"
    if (packet := found.packet) is not None:
        size = f"segments of {packet.mss}" if packet.mss is not None else "no segment size"
        stamps = "with" if packet.timestamps else "without"
        yield (
            f"[dim]the server saw {escape(found.peer or '')}: {size}, window {packet.window}, time to live"
            f" {packet.ttl}, {stamps} timestamps[/]"
        )


def _agreed(one: AgreedRecord) -> str:
    return ", ".join(filter(None, (one.version, one.cipher, one.group, one.alpn)))
