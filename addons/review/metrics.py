"""What Prometheus reads."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from addons.store.bypass_store import BypassStore


def metrics(store: BypassStore) -> bytes:
    """The store in Prometheus' text format. Raises StoreError."""
    registry = CollectorRegistry()
    rules = Gauge("tlsight_bypass_rules", "Rules in force", registry=registry)
    expiring = Gauge(
        "tlsight_bypass_rules_expiring", "Rules that end in 14 days", registry=registry
    )
    pending = Gauge("tlsight_bypass_candidates", "Candidates to decide on", registry=registry)
    attempts = Gauge("tlsight_bypass_attempts", "TLS attempts", ["class"], registry=registry)
    passed = Gauge("tlsight_bypass_passed", "Connections let through", registry=registry)
    size = Gauge("tlsight_bypass_passed_bytes", "Bytes let through", registry=registry)
    counts = store.listing.counts()
    rules.set(counts["in-force"])
    expiring.set(counts["expiring"])
    pending.set(len(store.candidates("pending")))
    for kind, count in store.traffic.totals().items():
        attempts.labels(kind).set(count)
    connections, amount = store.passed.total()
    passed.set(connections)
    size.set(amount)
    return generate_latest(registry)
