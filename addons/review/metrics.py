"""What Prometheus reads."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from addons.bypass.feed import is_stale
from addons.store.bypass_store import BypassStore


def metrics(store: BypassStore, now: datetime) -> bytes:
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
    broken = Gauge("tlsight_bypass_breaking", "Causes for which hosts break now", registry=registry)
    hosts = Gauge("tlsight_bypass_breaking_hosts", "Hosts that break now", registry=registry)
    episodes = store.episodes.opened()
    broken.set(len(episodes))
    hosts.set(len({host for one in episodes for host in one.hosts}))
    _feeds(store, now, registry)
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


def _feeds(store: BypassStore, now: datetime, registry: CollectorRegistry) -> None:
    """Lists that somebody else keeps."""
    name = "tlsight_bypass_feed"
    lists = Gauge(f"{name}_rules", "Rules in force", ["feed"], registry=registry)
    about = "Since its source confirmed it"
    age = Gauge(f"{name}_age_seconds", about, ["feed"], registry=registry)
    stale = Gauge(f"{name}_stale", "1 for a stale feed", ["feed"], registry=registry)
    waits = Gauge(f"{name}_waiting", "1 where a list waits", ["feed"], registry=registry)
    for feed, one in store.feeds.all().items():
        kept = one.accepted
        lists.labels(feed).set(kept.count if kept is not None else 0)
        stale.labels(feed).set(is_stale(one, now))
        waits.labels(feed).set(one.waiting is not None)
        if kept is not None:
            age.labels(feed).set((now - (one.confirmed or kept.fetched)).total_seconds())
