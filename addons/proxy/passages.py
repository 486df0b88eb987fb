"""Connections that pass now, each counted, and told to the store when it ends."""

from __future__ import annotations

from datetime import UTC, datetime

from addons.bypass.rule import Rule
from addons.proxy.passing import Counted
from addons.store.keeper import Keeper
from addons.store.traffic import Passage
from detector import clock


class Passages:
    """By client connection: what passes, since when, and by which rule."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._open: dict[str, list[tuple[Counted, float, str, Rule]]] = {}

    def begin(self, client: str, name: str, rule: Rule) -> Counted:
        """One more of this client connection (its id in mitmproxy)."""
        counted = Counted()
        self._open.setdefault(client, []).append((counted, clock.stopwatch(), name, rule))
        return counted

    def end(self, client: str) -> None:
        """The client connection is gone."""
        for counted, since, name, rule in self._open.pop(client, ()):
            seconds = round(clock.stopwatch() - since, 3)
            at = datetime.now(UTC)
            self._keeper.put(
                Passage(at, name.lower(), rule.pattern, counted.up, counted.down, seconds)
            )

    def close(self) -> None:
        """All of them, where the proxy ends."""
        for client in list(self._open):
            self.end(client)
