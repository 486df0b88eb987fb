"""A run that takes readings of the paths to some hosts, and says what became of them since earlier ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime

from detector.judging.path_answer import PathAnswer, Seen, path_answer
from detector.judging.path_reading import reading_of, tells_of_the_path
from detector.knowledge.path_readings import PathReadings
from detector.model.observation import Judgement, Observation, Target
from detector.model.paths import Network
from detector.model.targets import host_text, socket_text
from detector.net.todays_hello import with_browser_answer
from detector.runs.check import CheckRun

# Told of a judged host: what was changed in our hello on the way to it; None where that cannot be told.
Arrival = Callable[[Judgement], Awaitable[tuple[str, ...] | None]]
_AT_ONCE = 16


class WatchPathRun:
    """One reading.

    Args:
        session: how to ask, and what to judge by.
        kept: where readings are.
        network: where this machine is.
        only_here: compare with this network alone.
        arrival: how to learn what becomes of our hello; it is not asked when left out.

    """

    def __init__(
        self,
        session: CheckRun,
        kept: PathReadings,
        network: Network,
        *,
        only_here: bool = False,
        arrival: Arrival | None = None,
    ) -> None:
        self._session = session
        self._kept = kept
        self._network = network
        self._only_here = only_here
        self._arrival = arrival

    async def run(self, targets: Sequence[Target], at: datetime) -> PathAnswer:
        """Ask all targets, compare, and keep what can be compared with. Raises StoreError.

        Args:
            targets: each at most once.
            at: aware UTC, now.

        """
        judged = await self._judged(targets)
        somebody = any(one.verdict != "inconclusive" for one in judged)
        seen = []
        for target, judgement, hello in zip(
            targets, judged, await self._arrivals(judged), strict=True
        ):
            failure = judgement.observation.failure
            kept = judgement.verdict != "inconclusive" or tells_of_the_path(failure)
            kept = kept or (somebody and failure is not None and not failure.why)
            reading = reading_of(judgement, self._session.known, hello)
            earlier = self._kept.earlier(self._name(target))
            seen.append(Seen(host_text(target), reading, judgement.summary, kept, earlier))
        others = self._kept.networks()
        found = path_answer(seen, self._network, others, at, only_here=self._only_here)
        self._kept.keep(
            self._network.id,
            (
                (self._name(target), one.reading)
                for target, one in zip(targets, seen, strict=True)
                if one.kept
            ),
        )
        return found

    def _name(self, target: Target) -> str:
        """What a target is kept as: its place, and whatever else of the way to it the user fixed."""
        words = [socket_text(target.host, target.port)]
        if self._session.options.connect_to is not None:
            words.append("at " + socket_text(*self._session.options.connect_to))
        if target.sni != target.host:
            words.append(f"as {target.sni or 'nobody'}")
        if target.starttls is not None:
            words.append(f"by {target.starttls}")
        return " ".join(words)

    async def _judged(self, targets: Sequence[Target]) -> list[Judgement]:
        async with aclosing(self._session.numbered(targets, min(_AT_ONCE, len(targets)))) as run:
            found = {place: judgement async for place, judgement in run}
        turn = asyncio.Semaphore(_AT_ONCE)

        async def asked_as_browsers_do(judgement: Judgement) -> Judgement:
            async with turn:
                seen = await self._browser(judgement.observation)
            return replace(judgement, observation=seen)

        return list(
            await asyncio.gather(*(asked_as_browsers_do(found[at]) for at in sorted(found)))
        )

    async def _browser(self, observation: Observation) -> Observation:
        if observation.handshake is None:
            return observation
        return await with_browser_answer(observation, self._session.options)

    async def _arrivals(self, judged: Sequence[Judgement]) -> list[tuple[str, ...] | None]:
        if self._arrival is None:
            return [None] * len(judged)
        return list(await asyncio.gather(*map(self._arrival, judged)))
