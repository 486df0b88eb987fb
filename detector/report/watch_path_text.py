"""Paths for a person: what they come to first, then each host that differs, the quiet ones in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.console import Group, RenderableType

from detector.judging.path_answer import Comparison, HostPath, PathAnswer, is_calm
from detector.report.check_text import STYLES, escape, marked
from detector.report.layout import Cell, Column, Fitted, Hanging
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
    stories: dict[_Story, list[str]] = {}
    for one in found.hosts:
        if one not in calm:
            stories.setdefault(_story(one, found.at, verbose=verbose), []).append(one.host)
    for story, hosts in stories.items():
        yield from _told(story, hosts)
    if calm and (len(calm) < len(found.hosts) or found.answer != "first"):
        words = "as before" if any(one.compared for one in calm) else "read for the first time"
        names = escape(_together([one.host for one in calm]))
        yield Hanging(marked("  [green]·[/]"), marked(f"{names}: {words}"))
    if gateway and found.answer != "nobody":
        yield marked("[dim]→ Give this network a name: tlsight watch-path --network NAME[/]")


class _Story(NamedTuple):
    """What is told of a host, and of all others of which the same is to be told."""

    differs: bool
    verdict: str
    now: str
    lines: tuple[str, ...]


def _story(one: HostPath, at: datetime, *, verbose: bool) -> _Story:
    lines: list[str] = []
    if not one.kept:
        lines.append("not compared: it may be this machine's own network")
    for beside in one.compared:
        told = [change for change in beside.changes if change.counts or beside.differs or verbose]
        if told:
            lines.append(f"{_since(beside, at)}: {'; '.join(change.text for change in told)}")
        elif verbose:
            lines.append(f"{_since(beside, at)}: no difference")
    return _Story(one.differs, one.verdict, one.now, tuple(lines))


def _told(story: _Story, hosts: Sequence[str]) -> Iterator[RenderableType]:
    mark = "[bold yellow]≠[/]" if story.differs else "[green]·[/]"
    now = f"[{STYLES[story.verdict]}]{escape(story.now)}[/]"
    yield Hanging(marked(f"  {mark}"), marked(f"[bold]{escape(_together(hosts))}[/]  {now}"))
    for line in story.lines:
        yield Hanging(marked(""), marked(escape(line)), 5)


def _together(hosts: Sequence[str]) -> str:
    more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
    return ", ".join(hosts[:_NAMED]) + more


def _since(beside: Comparison, at: datetime) -> str:
    if beside.here:
        return f"here {ago(beside.at, at)} it was {beside.was}, now"
    return f"at {beside.network} {ago(beside.at, at)} it was {beside.was}, here"
