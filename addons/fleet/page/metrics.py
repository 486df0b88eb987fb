"""What Prometheus reads."""

from __future__ import annotations

from typing import get_args

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from addons.fleet.page.look import Look
from detector.report.event_json import FindingKind


async def metrics(look: Look) -> bytes:
    """The fleet in Prometheus' text format. Raises StoreError."""
    fleet = look.fleet
    registry = CollectorRegistry()
    agents = Gauge("tlsight_fleet_agents", "Agents that are not revoked", registry=registry)
    silent = Gauge(
        "tlsight_fleet_agents_silent", "Agents whose heartbeat is overdue", registry=registry
    )
    intercepted = Gauge(
        "tlsight_fleet_agents_intercepted",
        "Agents with an interception that no policy allows",
        registry=registry,
    )
    revoked = Gauge("tlsight_fleet_agents_revoked", "Agents that are revoked", registry=registry)
    findings = Gauge(
        "tlsight_fleet_findings", "Open findings that no policy allows", ["kind"], registry=registry
    )
    allowed = Gauge(
        "tlsight_fleet_findings_sanctioned", "Open findings that the policy allows", registry=registry
    )  # fmt: skip
    seen = Gauge(
        "tlsight_fleet_correlations", "Open findings about many agents at once", registry=registry
    )
    claimed = Gauge(
        "tlsight_fleet_findings_claimed", "Open findings that no observation proves", registry=registry
    )  # fmt: skip
    blind = Gauge(
        "tlsight_fleet_agents_cannot_look",
        "Agents behind a portal, offline, or whom nobody answers",
        registry=registry,
    )
    counts = await fleet.counts()
    unheard = await look.unheard()
    if unheard is not None:
        Gauge(
            "tlsight_fleet_agents_never_heard",
            "Agents that were enrolled and never told anything",
            registry=registry,
        ).set(len(unheard))
    claimed.set(counts.claimed)
    blind.set(counts.cannot_look)
    agents.set(counts.agents)
    silent.set(counts.silent)
    intercepted.set(counts.intercepted)
    revoked.set(counts.revoked)
    allowed.set(counts.sanctioned)
    for kind in get_args(FindingKind):
        findings.labels(kind).set(counts.open.get(kind, 0))
    seen.set((await fleet.correlations(size=1)).total)
    return generate_latest(registry)
