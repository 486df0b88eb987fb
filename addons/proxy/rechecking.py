"""mitmproxy addon: looks at the rules again by itself, every so many hours (option `bypass_recheck`).

Rules
-----
1. In a process of its own, which a thread waits for: no hook waits, however many rules there are.
2. Servers are asked past the proxy, as mitmproxy would ask them, a few at a time and slowly. Nothing goes through the
   proxy, so nothing of it is a use of a rule.
3. The store says when the last round was: it is kept over restarts, and of several proxies one is the first. Each
   waits its own part of SPREAD more, so that not all ask at once.
4. Whatever goes wrong is a line in the log; the next round comes.
"""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from mitmproxy import ctx

from addons.bypass.shown import harmless_logger
from addons.proxy.proving import upstream_url
from addons.store.bypass_store import BypassStore
from addons.store.keeper import Keeper
from addons.store.recheck_process import Line, Order, command
from detector import clock
from detector.errors import StoreError, TlsightError
from detector.model.no_json import NO_JSON

log = harmless_logger(__name__)
# Of the time between two rounds: how much later one may begin.
SPREAD = 0.1
# Seconds before the first look at whether it is time, and between two.
_FIRST, _LOOK = 3.0, 30.0
_LAST_WORDS = 300


class Rechecking:
    """`now` is the clock."""

    def __init__(self, keeper: Keeper, now: Callable[[], datetime] = clock.now) -> None:
        self._keeper = keeper
        self._now = now
        self._every = timedelta()
        self._upstream: str | None = None
        self._running = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._begun: datetime | None = None
        self._complaint = ""
        self._late = random.random() * SPREAD  # noqa: S311 (no secret)

    def configure(self, updated: set[str]) -> None:
        if updated & {"bypass_recheck", "mode", "upstream_auth"}:
            self._every = timedelta(hours=max(ctx.options.bypass_recheck, 0))
            self._upstream = upstream_url()
            self._begin()

    def running(self) -> None:
        self._running = True
        self._begin()

    def done(self) -> None:
        self._closing.set()
        process = self._process
        if process is not None:
            process.terminate()
        if self._thread is not None:
            self._thread.join(2)

    def is_due(self, store: BypassStore) -> bool:
        """Whether the last round was long enough ago, and there is a rule to look at."""
        if not self._every or not self._keeper.matcher.count:
            return False
        known = [at for at in (store.rechecks.last(), self._begun) if at is not None]
        return not known or self._now() - max(known) >= self._every * (1 + self._late)

    def look(self) -> None:
        """One look, and a round where it is time. Never raises."""
        path = self._keeper.options.store
        if path is None or not path.exists():
            return
        try:
            with BypassStore(path, self._now, "mitmproxy addon", read_only=True) as store:
                due = self.is_due(store)
            if due:
                self._begun = self._now()
                self._round(Order(str(path), self._upstream))
        except (TlsightError, OSError) as error:
            self._complain(str(error))
        except Exception as error:
            self._complain(f"unexpected {type(error).__name__}: {error}")
        else:
            self._complaint = ""

    def _begin(self) -> None:
        if self._running and self._every and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bypass-recheck", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        wait = _FIRST
        while not self._closing.wait(wait):
            self.look()
            wait = _LOOK

    def _round(self, order: Order) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command(), stdin=pipe, stdout=pipe, stderr=pipe)
        if self._closing.is_set():
            self._process.terminate()
        said, complaint = self._process.communicate(msgspec.json.encode(order))
        code, self._process = self._process.returncode, None
        if self._closing.is_set():
            return
        for line in said.splitlines():
            try:
                one = msgspec.json.decode(line, type=Line)
            except NO_JSON:
                continue
            (log.warning if one.warning else log.info)("tlsight: %s", one.text)
        if code:
            last = complaint.decode(errors="replace").strip().rpartition("\n")[2][:_LAST_WORDS]
            raise StoreError(order.store, last or f"a process ended with {code}")

    def _complain(self, text: str) -> None:
        """Once for each trouble."""
        if text != self._complaint:
            self._complaint = text
            log.error("tlsight: the rules were not looked at again: %s", text)
