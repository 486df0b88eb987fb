"""Paths for a person: what they come to first, then each host that differs, the quiet ones in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType

from detector.judging.path_answer import Comparison, HostPath, PathAnswer, is_calm
from detector.report.check_text import STYLES, escape, marked
from detector.report.layout import Cell, Column, Fitted
from detector.report.moments import ago
from detector.report.watch_path_json import NetworksRecord

_STYLES = {
    "same": "bold green",
    "differs": "bold yellow",
    "first": "bold",
    "nobody": "bold magenta",
}
_NAMED = 6


def render(found: PathAnswer, *, gateway: str = "", verbose: bool = False) -> RenderableType:
    """The whole; with `verbose` also notes of hosts that do not differ. `gateway`: of a network that has no name."""
    return Group(*_lines(found, gateway, verbose=verbose))


def render_networks(found: NetworksRecord, now: datetime) -> RenderableType:
    """A line each, the latest first."""
    if not found.networks:
        return marked("No network is known yet: tlsight watch-path takes the first reading.")
    columns = (
        Column("network", kind="name"), Column("id", kind="figure"), Column("seen"), Column("hosts", kind="figure"),
        Column("readings", kind="figure"),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for one in found.networks:
        figures = (one.id[:6], ago(one.seen, now), str(one.hosts), str(one.readings))
        rows.append(tuple((text, "") for text in (one.name or "(no name)", *figures)))
    return Fitted(columns, rows)


def _lines(found: PathAnswer, gateway: str, *, verbose: bool) -> Iterator[RenderableType]:
    text = found.text
    if gateway:
        text = text.replace(found.network, f"{found.network} (gateway {gateway})", 1)
    head, colon, rest = escape(text).partition(": ")
    yield marked(f"[{_STYLES[found.answer]}]{head}{colon}[/]{rest}")
    calm = [one for one in found.hosts if is_calm(one) and not verbose]
    for one in found.hosts:
        if one not in calm:
            yield from _host(one, found.at, verbose=verbose)
    if calm and (len(calm) < len(found.hosts) or found.answer != "first"):
        yield marked(f"  [green]·[/] {escape(_together(calm))}")
    if gateway and found.answer != "nobody":
        yield marked("[dim]→ Give this network a name: tlsight watch-path --network NAME[/]")


def _together(calm: Sequence[HostPath]) -> str:
    names = ", ".join(one.host for one in calm[:_NAMED])
    more = f" and {len(calm) - _NAMED} more" if len(calm) > _NAMED else ""
    words = "as before" if any(one.compared for one in calm) else "read for the first time"
    return f"{names}{more}: {words}"


def _host(one: HostPath, at: datetime, *, verbose: bool) -> Iterator[RenderableType]:
    mark = "[bold yellow]≠[/]" if one.differs else "[green]·[/]"
    style = STYLES[one.verdict]
    yield marked(f"  {mark} [bold]{escape(one.host)}[/]  [{style}]{escape(one.now)}[/]")
    if not one.kept:
        yield marked(
            f"      {escape(one.text)} It is not compared: this may be the network itself."
        )
    for beside in one.compared:
        told = [change for change in beside.changes if change.counts or beside.differs or verbose]
        if told:
            what = "; ".join(change.text for change in told)
            yield marked(f"      {escape(_since(beside, at))}: {escape(what)}")
        elif verbose:
            yield marked(f"      [dim]{escape(_since(beside, at))}: no difference[/]")


def _since(beside: Comparison, at: datetime) -> str:
    if beside.here:
        return f"here {ago(beside.at, at)} it was {beside.was}, now"
    return f"at {beside.network} {ago(beside.at, at)} it was {beside.was}, here"
