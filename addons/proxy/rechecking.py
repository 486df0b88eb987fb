"""mitmproxy addon: looks at the rules again by itself, every so many hours (option `bypass_recheck`).

Rules
-----
1. In a thread with an event loop of its own: no hook waits, and mitmproxy's loop has nothing to do with it.
2. Servers are asked past the proxy, as mitmproxy would ask them, a few at a time and slowly. Nothing goes through the
   proxy, so nothing of it is a use of a rule.
3. The store says when the last round was: it is kept over restarts, and of several proxies one is the first. Each
   waits its own part of SPREAD more, so that not all ask at once.
4. Whatever goes wrong is a line in the log; the next round comes.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from mitmproxy import ctx

from addons.bypass.shown import harmless_logger
from addons.proxy.proving import upstream
from addons.store.bypass_store import BypassStore
from addons.store.keeper import Keeper
from addons.store.rechecking import Round
from detector import clock
from detector.errors import TlsightError
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing

log = harmless_logger(__name__)
# Of the time between two rounds: how much later one may begin.
SPREAD = 0.1
_TOGETHER = 4
_TIMEOUT = 10.0
# Seconds before the first look at whether it is time, and between two.
_FIRST, _LOOK = 3.0, 30.0


class Rechecking:
    """`now` is the clock."""

    def __init__(self, keeper: Keeper, now: Callable[[], datetime] = clock.now) -> None:
        self._keeper = keeper
        self._now = now
        self._every = timedelta()
        self._route = Routing()
        self._running = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._late = random.random() * SPREAD  # noqa: S311 (no secret)

    def configure(self, updated: set[str]) -> None:
        if updated & {"bypass_recheck", "mode", "upstream_auth"}:
            self._every = timedelta(hours=max(ctx.options.bypass_recheck, 0))
            self._route = _route()
            self._begin()

    def running(self) -> None:
        self._running = True
        self._begin()

    def done(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(2)  # what it asks ends with the process

    def is_due(self, store: BypassStore) -> bool:
        """Whether the last round was long enough ago, and there is a rule to look at."""
        if not self._every:
            return False
        last = store.rechecks.last()
        if last is not None and self._now() - last < self._every * (1 + self._late):
            return False
        return any(one.rule.action == "pass" for one in store.rules())

    def _begin(self) -> None:
        if self._running and self._every and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bypass-recheck", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        wait = _FIRST
        while not self._closing.wait(wait):
            self.look()
            wait = _LOOK

    def look(self) -> None:
        """One look, and a round where it is time. Never raises."""
        path = self._keeper.options.store
        if path is None or not path.exists():
            return
        try:
            with BypassStore(path, self._now, "mitmproxy addon") as store:
                if self.is_due(store):
                    self._round(store)
        except TlsightError as error:
            log.warning("tlsight: the rules were not looked at again: %s", error)
        except Exception as error:
            log.error("tlsight: unexpected %s: %s", type(error).__name__, error)  # noqa: TRY400 (one line)

    def _round(self, store: BypassStore) -> None:
        from addons.store.servers import servers_now

        options = ProbeOptions(timeout=_TIMEOUT, routing=self._route)
        round_ = Round(store, self._now())
        servers = asyncio.run(servers_now(round_.past(), options, _TOGETHER))
        found = round_.finish(servers, by="past the proxy, by itself")
        told = Counter(one.state for one in found)
        if found:
            said = ", ".join(f"{count} {state}" for state, count in told.items())
            log.info("tlsight: looked at %d rules again: %s", len(found), said)
        for one in found:
            if one.state in ("now-breaks", "no-longer-needed") and one.since == one.at:
                log.warning("tlsight: the rule %s: %s: %s", one.pattern, one.state, one.text)


def _route() -> Routing:
    """As mitmproxy goes; what is no way for it is none for us, and mitmproxy says so itself."""
    try:
        return Routing(upstream())
    except TlsightError:
        return Routing()
