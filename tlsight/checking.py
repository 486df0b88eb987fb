"""Assertions about hosts: each asked once, whatever is asserted of it, in or outside of a running event loop.

Theory of operation
-------------------
A question runs in an event loop of its own in a thread of its own: a test's loop may be running, may be another
library's (trio), or may be none. Plain assertions wait for the answer and hold up whoever calls them; the twins
`..._async` wait in another thread, so that a server in the test's own loop can answer meanwhile. The answer is kept
as a future from the moment the question is asked, so whoever asks again meanwhile waits for the same one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import cached_property, partial
from typing import Any

from detector.api import check_async, default_knowledge, diagnose_async
from detector.errors import ConfigError
from detector.known.knowledge import Knowledge
from detector.model.inquiry import Diagnosis
from detector.model.observation import Judgement, Target
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.net.routes import Chooser, Routing, routing_from
from detector.report import check_text, diagnose_text
from detector.report.gate import plain
from detector.runs.diagnose import Investigation

_DAY = 86_400.0
_FINE = ("direct", "consistent", "private")


class Checker:
    """Asks, remembers and asserts.

    Args:
        setting: value of a setting of the plugin, None where it is left out.
        inconclusive: what to raise where there is nothing to judge.

    """

    def __init__(
        self, setting: Callable[[str], Any], inconclusive: type[Exception] = RuntimeError
    ) -> None:
        self._setting = setting
        self._inconclusive = inconclusive
        self._answers: dict[tuple[str, Target, str | None], Future[Any]] = {}
        self._lock = threading.Lock()

    def check(self, target: str | Target, *, connect: str | None = None) -> Judgement:
        """Who answers. Raises TargetError, ConfigError."""
        found: Judgement = self._ask("check", target, connect).result()
        return found

    def diagnose(self, target: str | Target, *, connect: str | None = None) -> Diagnosis:
        """Why the handshake fails, or that it does not. Raises TargetError, ConfigError."""
        found: Diagnosis = self._ask("diagnose", target, connect).result()
        return found

    def assert_direct(self, target: str | Target, *, connect: str | None = None) -> Judgement:
        """See `tlsight.pytest_plugin.assert_direct`."""
        __tracebackhide__ = True
        return self._held(self.check(target, connect=connect), ("direct",))

    async def assert_direct_async(
        self, target: str | Target, *, connect: str | None = None
    ) -> Judgement:
        """As `assert_direct`, inside a running event loop."""
        __tracebackhide__ = True
        return self._held(await self._awaited("check", target, connect), ("direct",))

    def assert_not_intercepted(
        self,
        target: str | Target,
        *,
        connect: str | None = None,
        allow_sanctioned: bool = False,
    ) -> Judgement:
        """See `tlsight.pytest_plugin.assert_not_intercepted`."""
        __tracebackhide__ = True
        found = self.check(target, connect=connect)
        return self._held(found, _FINE, sanctioned=allow_sanctioned)

    async def assert_not_intercepted_async(
        self,
        target: str | Target,
        *,
        connect: str | None = None,
        allow_sanctioned: bool = False,
    ) -> Judgement:
        """As `assert_not_intercepted`, inside a running event loop."""
        __tracebackhide__ = True
        found = await self._awaited("check", target, connect)
        return self._held(found, _FINE, sanctioned=allow_sanctioned)

    def assert_healthy(self, target: str | Target, *, connect: str | None = None) -> Diagnosis:
        """See `tlsight.pytest_plugin.assert_healthy`."""
        __tracebackhide__ = True
        return self._works(self.diagnose(target, connect=connect))

    async def assert_healthy_async(
        self, target: str | Target, *, connect: str | None = None
    ) -> Diagnosis:
        """As `assert_healthy`, inside a running event loop."""
        __tracebackhide__ = True
        return self._works(await self._awaited("diagnose", target, connect))

    def _held(
        self, found: Judgement, wanted: tuple[str, ...], *, sanctioned: bool = False
    ) -> Judgement:
        __tracebackhide__ = True
        if found.verdict in wanted or (sanctioned and found.sanctioned):
            return found
        text = plain(check_text.render(found))
        if found.verdict == "inconclusive":
            raise self._inconclusive(f"nothing to judge\n{text}")
        raise AssertionError(f"wanted {' or '.join(wanted)}\n{text}")

    def _works(self, found: Diagnosis) -> Diagnosis:
        __tracebackhide__ = True
        if not found.healthy:
            text = plain(diagnose_text.render(found))
            raise AssertionError(f"wanted a handshake that works\n{text}")
        done = found.inquiry.observation.handshake
        if done is None or not done.completed:
            text = plain(diagnose_text.render(found))
            raise self._inconclusive(f"no handshake was done\n{text}")
        return found

    def _ask(self, verb: str, target: str | Target, connect: str | None) -> Future[Any]:
        """The answer to a question, now or later; one question is asked once."""
        wanted = parse_target(target) if isinstance(target, str) else target
        key = (verb, wanted, connect)
        options = self._options(connect)
        with self._lock:
            answer = self._answers.get(key)
            if answer is None:
                ask = _judged if verb == "check" else _diagnosed
                work = partial(ask, wanted, self._knowledge, options)
                answer = self._answers[key] = _started(work)
        return answer

    async def _awaited(self, verb: str, target: str | Target, connect: str | None) -> Any:
        from anyio.to_thread import run_sync

        return await run_sync(self._ask(verb, target, connect).result)

    @cached_property
    def _knowledge(self) -> Knowledge:
        return default_knowledge(
            roots=self._setting("roots"),
            ct_logs=self._setting("ct-logs"),
            policy=self._setting("policy"),
            pin_file=self._setting("pins"),
        )

    def _options(self, connect: str | None) -> ProbeOptions:
        where = None
        if connect is not None:
            dialled = parse_target(connect)
            where = (dialled.host, dialled.port)
        return ProbeOptions(timeout=self._timeout, routing=self._routing, connect_to=where)

    @cached_property
    def _timeout(self) -> float:
        said = self._setting("timeout")
        try:
            seconds = 5.0 if said is None else float(said)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < _DAY:
            raise ConfigError("timeout", f"{said!r} is no number of seconds")
        return seconds

    @cached_property
    def _routing(self) -> Routing:
        proxy = self._setting("proxy")
        straight = proxy == "direct"
        return routing_from(
            None if straight else proxy,
            os.environ,
            no_proxy=straight,
            trust=None,
            open_pac=_open_pac,
        )


def _started(work: Callable[[], Coroutine[Any, Any, Any]]) -> Future[Any]:
    """The outcome of a coroutine that runs in a thread of its own."""
    answer: Future[Any] = Future()

    def run() -> None:
        try:
            answer.set_result(asyncio.run(work()))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="tlsight").start()
    return answer


async def _judged(target: Target, knowledge: Knowledge, options: ProbeOptions) -> Judgement:
    run = check_async(target, knowledge=knowledge, options=options)
    (judgement,) = [one async for one in run]
    return judgement


async def _diagnosed(target: Target, knowledge: Knowledge, options: ProbeOptions) -> Diagnosis:
    how = Investigation(options)
    (diagnosis,) = await diagnose_async(target, knowledge=knowledge, how=how)
    return diagnosis


def _open_pac(url: str, where: str) -> Chooser:
    from detector.net.pac import open_pac

    return open_pac(url, where)
