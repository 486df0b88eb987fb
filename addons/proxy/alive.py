"""mitmproxy addon: says that this proxy is there, and which of mitmproxy's own options decide beside our rules."""

from __future__ import annotations

from mitmproxy import ctx, version

from addons.bypass.beside import Beside, bounded, warnings
from addons.bypass.shown import harmless_logger
from addons.store.heartbeat import About
from addons.store.keeper import Keeper

log = harmless_logger(__name__)
_NAMES = frozenset(
    (
        "ignore_hosts", "allow_hosts", "tcp_hosts", "udp_hosts", "connection_strategy", "mode",
        "show_ignored_hosts",
    )
)  # fmt: skip


class Alive:
    """Warns at the start and whenever one of them changes; the keeper writes what it says into the store."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._told: set[str] = set()

    def configure(self, updated: set[str]) -> None:
        if not updated & _NAMES:
            return
        found = beside()
        self._keeper.heart.about = About(version.VERSION, bounded(found))
        lines = set(warnings(found))
        for line in sorted(lines - self._told):
            log.warning("tlsight: %s", line)
        self._told = lines


def beside() -> Beside:
    """The options as they are now."""
    o = ctx.options
    return Beside(
        tuple(o.ignore_hosts), tuple(o.allow_hosts), tuple(o.tcp_hosts), tuple(o.udp_hosts),
        o.connection_strategy, tuple(o.mode), o.show_ignored_hosts,
    )  # fmt: skip
