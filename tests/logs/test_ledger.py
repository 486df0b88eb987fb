"""Causes ranked by clients, changes found, hints given; memory by groups."""

from __future__ import annotations

from detector.logs.event import Event
from detector.logs.ledger import MAX_CLIENTS, Ledger, network_of


def failure(peer: str, at: float = 1000.0, cause: str = "untrusted-root", **more: object) -> Event:
    return Event(at, "nginx", cause, "client", "words", peer=peer, **more)  # type: ignore[arg-type]


def test_clients_rank_not_lines() -> None:
    ledger = Ledger()
    for _ in range(1000):
        ledger.add(failure("192.0.2.1", cause="version-mismatch"))
    for n in range(5):
        ledger.add(failure(f"192.0.2.{n}"))
    ledger.add(failure("192.0.2.9", cause="not-tls", noise=True))
    assert [g.cause for g in ledger.groups] == ["untrusted-root", "version-mismatch", "not-tls"]
    assert [len(g.clients) for g in ledger.groups] == [5, 1, 1]


def test_beyond_the_limit_clients_are_at_least_as_many() -> None:
    ledger = Ledger()
    for n in range(MAX_CLIENTS + 10):
        ledger.add(failure(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"))
    (group,) = ledger.groups
    assert len(group.clients) == MAX_CLIENTS
    assert group.many


def test_a_change_just_before_is_blamed_and_one_long_before_is_not() -> None:
    ledger = Ledger()
    for n in range(20):
        ledger.add(failure(f"192.0.2.{n}", at=5000.0 + n))
    (onset,) = ledger.onsets(0.0, [(100.0, "nginx", "started"), (4990.0, "nginx", "reloaded")])
    assert (onset.change, onset.changed, onset.since) == ("reloaded", 4990.0, 5000.0)
    (onset,) = ledger.onsets(0.0, [(100.0, "nginx", "started")])
    assert onset.change is None
    assert ledger.onsets(5000.0, []) == []  # as old as the log itself
    assert ledger.onsets(5000.0, [(4990.0, "apache", "reloaded")]) == []


def test_one_network_that_alone_rejects_the_certificate_is_a_hint() -> None:
    ledger = Ledger()
    for n in range(20):
        ledger.add(failure(f"10.1.1.{n}"))
    assert ledger.hints() == []  # nobody else is seen to reach the server
    ledger.add(failure("198.51.100.7", cause="version-mismatch"))
    (hint,) = ledger.hints()
    assert (hint.network, hint.clients) == ("10.1.1.0/24", 20)
    for n in range(20):
        ledger.add(failure(f"203.0.{n}.1"))
    assert ledger.hints() == []  # everybody rejects it: the server is at fault


def test_networks_of_both_families() -> None:
    assert network_of("192.0.2.77") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert network_of("localhost") == "localhost"
