"""An agent's state as Prometheus metrics. Names and labels are fixed; families may be added. Pure.

Counts of findings are told of every kind, also where there are none, so that an alert's rule finds its series from the
first day. `..._info` families are 1 and say the rest in their labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import get_args

from detector.agent.finding import Held
from detector.agent.snapshot import Snapshot
from detector.report.event_json import FindingKind, MoodWord
from detector.report.prometheus import Family, Labels, gauge
from detector.version import __version__

_MAX_SHOWN = 100


def families(seen: Snapshot | None) -> Iterator[Family]:
    """All of them; of a state that cannot be read, that it cannot."""
    yield gauge("tlsight_build_info", "Version of tlsight.", 1, version=__version__)
    yield gauge(
        "tlsight_agent_state_readable", "Whether the agent's state can be read.", seen is not None
    )
    if seen is None:
        return
    if seen.device:
        yield gauge("tlsight_agent_info", "The agent's device id.", 1, device=seen.device)
    yield from _life(seen)
    yield from _mood(seen)
    yield from _budget(seen)
    yield from _findings(seen.findings)
    yield from _sinks(seen)
    yield _by_name("tlsight_list_serial", "Serial of a signed list in force.", "list", seen.lists)


def _life(seen: Snapshot) -> Iterator[Family]:
    yield _time(
        "tlsight_agent_next_run_timestamp_seconds", "When the next run is due.", seen.next_run
    )
    beat = seen.heartbeat.heartbeat if seen.heartbeat is not None else None
    if seen.heartbeat is None or beat is None:
        return
    yield _time(
        "tlsight_agent_heartbeat_timestamp_seconds",
        "When the agent last told that it lives.",
        seen.heartbeat.at,
    )
    since = "Since the heartbeat before the last one: "
    for name, text, value in (
        ("heartbeat_interval_seconds", "Time to the next heartbeat, at most.", beat.every),
        ("uptime_seconds", "Age of the agent's process at its last heartbeat.", beat.up),
        ("memory_bytes", "Resident memory at the last heartbeat.", beat.memory),
        ("heartbeat_checked_targets", f"{since}targets judged.", beat.checked),
        (
            "heartbeat_inconclusive_targets",
            f"{since}targets without a handshake to judge.",
            beat.inconclusive,
        ),
        ("heartbeat_cpu_seconds", f"{since}processor time.", beat.cpu),
        ("heartbeat_traffic_bytes", f"{since}bytes sent and received.", beat.sent),
        (
            "findings_here",
            "Findings that held on the network of the last heartbeat.",
            len(beat.here),
        ),
    ):
        yield gauge(f"tlsight_agent_{name}", text, value)


def _mood(seen: Snapshot) -> Iterator[Family]:
    """One series a mood, so that an alert's rule finds its own from the first day."""
    word = seen.mood.word if seen.mood is not None else ""
    rows = [({"mood": one}, float(one == word)) for one in get_args(MoodWord) if one]
    text = "How open the way out is; 1 is what holds. captive, offline, blocked: no finding says nothing."
    yield Family("tlsight_agent_mood", text, tuple(rows))
    since = seen.mood.since if seen.mood is not None else None
    yield _time("tlsight_agent_mood_since_timestamp_seconds", "Since when it holds.", since)


def _budget(seen: Snapshot) -> Iterator[Family]:
    if seen.use is not None:
        yield _time(
            "tlsight_agent_day_start_timestamp_seconds",
            "When the day of the budget began.",
            seen.use.since,
        )
        yield gauge(
            "tlsight_agent_day_cpu_seconds",
            "Processor time used of the day's budget.",
            seen.use.cpu,
        )
        yield gauge(
            "tlsight_agent_day_traffic_bytes", "Bytes used of the day's budget.", seen.use.traffic
        )
    if (allowed := seen.limits) is not None:
        yield gauge(
            "tlsight_agent_budget_cpu_seconds", "Processor time allowed a day.", allowed.seconds
        )
        yield gauge("tlsight_agent_budget_traffic_bytes", "Bytes allowed a day.", allowed.traffic)
        yield gauge("tlsight_agent_budget_memory_bytes", "Resident memory allowed.", allowed.memory)


def _findings(held: tuple[Held, ...]) -> Iterator[Family]:
    counts = Counter((one.record.kind, one.sanctioned) for one in held)
    yield Family(
        "tlsight_findings",
        "Findings that are open.",
        tuple(
            ({"kind": kind, "sanctioned": _truth(sanctioned)}, counts[kind, sanctioned])
            for kind in get_args(FindingKind)
            for sanctioned in (False, True)
        ),
    )
    shown = held[:_MAX_SHOWN]
    yield Family(
        "tlsight_finding_info",
        f"An open finding; the latest {_MAX_SHOWN}.",
        tuple((_described(one), 1) for one in shown),
    )
    rows = [({"id": one.id}, one.record) for one in shown]
    yield Family(
        "tlsight_finding_hosts",
        "Hosts on which a finding was seen.",
        tuple((labels, one.host_count) for labels, one in rows),
    )
    yield Family(
        "tlsight_finding_opened_timestamp_seconds",
        "When a finding was first seen.",
        tuple((labels, _epoch(one.opened)) for labels, one in rows),
    )
    yield Family(
        "tlsight_finding_seen_timestamp_seconds",
        "When a finding was last seen.",
        tuple((labels, _epoch(one.seen)) for labels, one in rows),
    )


def _described(one: Held) -> dict[str, str]:
    return {
        "id": one.id,
        "kind": one.record.kind,
        "subject": one.record.subject,
        "sanctioned": _truth(one.sanctioned),
        "network": one.place,
        "product": one.product or "",
        "engine": one.engine or "",
        "issuer": one.issuer,
    }


def _sinks(seen: Snapshot) -> Iterator[Family]:
    waiting = {one.name: one.waiting for one in seen.sinks}
    failing = {one.name: float(bool(one.trouble)) for one in seen.sinks}
    since = {
        one.name: _epoch(one.since) for one in seen.sinks if one.trouble and one.since is not None
    }
    yield _by_name(
        "tlsight_sink_waiting_events", "Events that a sink is still to have.", "sink", waiting
    )
    yield _by_name("tlsight_sink_failing", "Whether a sink takes nothing.", "sink", failing)
    yield _by_name(
        "tlsight_sink_failing_since_timestamp_seconds",
        "Since when a sink takes nothing.",
        "sink",
        since,
    )
    lost: tuple[tuple[Labels, float], ...] = (({}, float(seen.lost)),)
    yield Family("tlsight_events_lost_total", "Events given up for want of room.", lost, "counter")


def _by_name(name: str, text: str, label: str, values: dict[str, int] | dict[str, float]) -> Family:
    return Family(name, text, tuple(({label: key}, float(value)) for key, value in values.items()))


def _time(name: str, text: str, at: datetime | None) -> Family:
    return gauge(name, text, None if at is None else _epoch(at))


def _epoch(at: datetime) -> float:
    return at.timestamp()


def _truth(value: bool) -> str:
    return "true" if value else "false"
