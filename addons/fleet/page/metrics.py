"""What Prometheus reads."""

from __future__ import annotations

from typing import get_args

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from addons.fleet.queries import FleetQueries
from detector.report.event_json import FindingKind


async def metrics(fleet: FleetQueries) -> bytes:
    """The fleet in Prometheus' text format. Raises StoreError."""
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
    counts = await fleet.counts()
    agents.set(counts.agents)
    silent.set(counts.silent)
    intercepted.set(counts.intercepted)
    revoked.set(counts.revoked)
    allowed.set(counts.sanctioned)
    for kind in get_args(FindingKind):
        findings.labels(kind).set(counts.open.get(kind, 0))
    seen.set((await fleet.correlations(size=1)).total)
    return generate_latest(registry)
