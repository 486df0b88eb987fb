"""mitmproxy addon: says that this proxy is there, and which of mitmproxy's own options decide beside our rules."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
from mitmproxy import ctx, version

from addons.bypass.beside import Beside, bounded, warnings
from addons.bypass.shown import harmless_logger
from addons.proxy.options import second_store
from addons.store.heartbeat import About
from addons.store.keeper import Keeper

log = harmless_logger(__name__)
# Whatever makes mitmproxy read its CA anew.
_OF_ROOT = frozenset(("confdir", "key_size", "cert_passphrase", "certs"))
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

    def running(self) -> None:
        if warning := second_store():
            log.warning("tlsight: %s", warning)
        self._tell()

    def configure(self, updated: set[str]) -> None:
        if updated & _OF_ROOT:
            with contextlib.suppress(RuntimeError):  # before it runs, `running` tells
                asyncio.get_running_loop().call_soon(
                    self._tell
                )  # mitmproxy's own part may read it after us
        if not updated & _NAMES:
            return
        found = beside()
        self._keeper.heart.about = About(version.VERSION, bounded(found), signing_root())
        lines = set(warnings(found))
        for line in sorted(lines - self._told):
            log.warning("tlsight: %s", line)
        self._told = lines

    def _tell(self) -> None:
        about = self._keeper.heart.about
        if about is not None:
            self._keeper.heart.about = msgspec.structs.replace(about, root=signing_root())


def signing_root() -> str | None:
    """Digest of the CA that mitmproxy signs with; None while it has none, or where it keeps it otherwise."""
    part = ctx.master.addons.get("tlsconfig")  # type: ignore[no-untyped-call]
    root = getattr(getattr(part, "certstore", None), "default_ca", None)
    return root.fingerprint().hex() if root is not None else None


def beside() -> Beside:
    """The options as they are now."""
    o = ctx.options
    return Beside(
        tuple(o.ignore_hosts), tuple(o.allow_hosts), tuple(o.tcp_hosts), tuple(o.udp_hosts),
        o.connection_strategy, tuple(o.mode), o.show_ignored_hosts,
    )  # fmt: skip
