"""`agent status` and `agent events` for a person: plain lines, nothing of unknown origin that steers a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from detector.model.harmless import harmless
from detector.report.agent_json import AgentStatusRecord, StandingRecord
from detector.report.event_json import EventRecord, blindness, headline, severity

_SHOWN = 20


def status_lines(status: AgentStatusRecord) -> Iterator[str]:
    """How an agent fares."""
    yield f"agent      {'runs' if status.running else 'does not run'}"
    yield f"device     {harmless(status.device)}"
    yield f"settings   {harmless(status.settings or 'none: all as it comes')}"
    network = status.network
    yield f"network    {harmless(network.id) if network is not None else 'not known'}"
    if status.mood:
        blind = blindness(status.mood)
        why = f": {blind}, next to nothing is checked" if blind else ""
        yield f"way out    {status.mood} since {_when(status.mood_since)}{why}"
    yield f"last run   {_when(status.last_run)}"
    yield f"next run   {_when(status.next_run)}"
    if status.use is not None:
        use = status.use
        yield (
            f"cost       {use.cpu:.1f} of {use.cpu_allowed:.1f} s of processor time and "
            f"{use.traffic / 1e6:.2f} of {use.traffic_allowed / 1e6:.2f} MB since {_when(use.since)}"
        )
    for name, serial in sorted(status.lists.items()):
        yield f"list       {harmless(name)} {serial}"
    for sink in status.sinks:
        trouble = f", {harmless(sink.trouble)}" if sink.trouble else ""
        yield f"sink       {harmless(sink.name)}: {_many(sink.waiting, 'event')} wait{trouble}"
    if status.lost:
        yield f"lost       {_many(status.lost, 'event')}, for want of room"
    here = [one for one in status.findings if one.here]
    away = len(status.findings) - len(here)
    blind = ", but this says nothing now" if blindness(status.mood) else ""
    yield f"findings   {len(here)} here{blind}{f', {away} on other networks' if away else ''}"
    for one in here[:_SHOWN]:
        yield f"  {_standing(one)}"
    if len(here) > _SHOWN:
        yield f"  and {len(here) - _SHOWN} more; --json has all"


def event_line(event: EventRecord) -> str:
    """One event in a line."""
    why = f" ({'; '.join(event.changes)})" if event.changes else ""
    return f"{_when(event.at)} {severity(event):6} {harmless(headline(event) + why)}"


def _standing(one: StandingRecord) -> str:
    finding = one.finding
    if finding.kind == "trust":
        return harmless(f"trust: {one.by or finding.subject}, since {_when(finding.opened)}")
    where = finding.hosts[0] if finding.hosts else finding.subject
    more = f" and {finding.host_count - 1} more" if finding.host_count > 1 else ""
    by = f" by {one.by}" if one.by else ""
    sanctioned = " (sanctioned)" if one.sanctioned else ""
    text = f"{finding.kind}: {where}{more}{by}{sanctioned}, since {_when(finding.opened)}"
    return harmless(text)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _when(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ") if at is not None else "never"
