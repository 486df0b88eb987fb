"""What pages take for granted, made: `python -m tests.live.docs_before WHAT FILE`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from addons.bypass.attempt import Attempt
from addons.bypass.learning import LearningOptions, replay
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from addons.store.traffic import Passage
from bench.captures import write_handshakes
from detector import clock


def capture(path: Path) -> None:
    """Three connections to www.example.org."""
    write_handshakes(path, 3)


def candidate(path: Path) -> None:
    """A store in which three clients that trust the proxy elsewhere refuse it at api.bank.example."""
    now = clock.now()
    attempts = [
        Attempt(now - timedelta(hours=hours), "client", host, 443, f"10.20.0.{client}", outcome,
                alert=46 if outcome == "failed" else None, alert_by="client" if outcome == "failed" else None,
                bound=True)
        for hours in range(1, 13)
        for client in (1, 2, 3)
        for host, outcome in (("www.shop.example", "accepted"), ("api.bank.example", "failed"))
    ]  # fmt: skip
    with BypassStore(path, clock.now, "ann") as store:
        store.traffic.write(attempts, [])
        for found in replay(attempts, LearningOptions(), None).candidates:
            store.propose(found)


def rules(path: Path) -> None:
    """A store with rules of two owners, a dozen decisions, and traffic that passed by one of them."""
    now = clock.now()
    with BypassStore(path, clock.now, "ann") as store:
        for number, host in enumerate(("bank.example", "pay.bank.example", "cdn.bank.example")):
            end = now.date() + timedelta(days=5 + 40 * number)
            store.add_rule(RuleRow(host=host, owner="payments", reason="pinned app", expires=end))
        for number in range(10):
            store.add_rule(RuleRow(host=f"m{number}.meet.example", owner="network", reason="media"))
        store.traffic.write([], [Passage(now, "bank.example", "bank.example", 2000, 90_000, 9.0)])


MAKERS: dict[str, Callable[[Path], None]] = {
    "capture": capture,
    "candidate": candidate,
    "rules": rules,
}

if __name__ == "__main__":
    MAKERS[sys.argv[1]](Path(sys.argv[2]))
