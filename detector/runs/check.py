"""A run over many targets: probe, examine, judge, and give each judgement out as soon as it stands.

Theory of operation
-------------------
Sharing works backwards: that two unrelated hosts have one private issuer is known only when the
second is seen, and then it changes the first one's verdict. So a judgement that sharing could still
change is held back until a companion shows up, or until the run ends. Everything else, and everything
once its key is known to be shared, goes out at once: memory does not grow with the run. At most
MAX_HELD are held; beyond that the oldest goes out as it stands.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from detector.errors import StoreError
from detector.evidence.examination import Examination
from detector.evidence.sharing import SharedKey, Sharing, keys_of, use_of
from detector.judging.judge import examine, judge_examined, unjudged
from detector.known.knowledge import Baseline, Knowledge
from detector.model.observation import Judgement, Observation, Target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing
from detector.net.sweep import sweep

if TYPE_CHECKING:
    from detector.knowledge.ct_store import CtStore
    from detector.knowledge.history import History
    from detector.net.fetch import Fetcher, FetchOptions

MAX_HELD = 2000


class Session:
    """One run.

    Args:
        known: what to compare with.
        options: how to probe.
        history: earlier runs; None keeps none.
        compare_direct: ask again without the proxy and compare.
        staple: ask for a stapled OCSP response as well.
        store: inclusion proofs that were fetched before.
        prove: how to ask logs for inclusion proofs; None asks none.
        warn: told about trouble that does not stop the run, one line each.

    """

    def __init__(
        self,
        known: Knowledge,
        options: ProbeOptions,
        *,
        history: History | None = None,
        compare_direct: bool = False,
        staple: bool = False,
        store: CtStore | None = None,
        prove: FetchOptions | None = None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.known = known
        self.options = options
        self.history = history
        self.compare_direct = compare_direct
        self.staple = staple
        self.store = store
        self.prove = prove
        self._fetch: Fetcher | None = None
        self.warn = warn
        self.sharing = Sharing()
        self._holding = Holding(self.sharing)
        if history is not None:
            self._guard(lambda: history.fill(self.sharing))

    async def run(
        self, targets: Iterable[Target], concurrency: int = 64
    ) -> AsyncGenerator[Judgement]:
        """Judgements as they stand, in no particular order; every target gives exactly one."""
        async with AsyncExitStack() as stack:
            if self.prove is not None:
                from detector.net.fetch import Fetcher

                self._fetch = await stack.enter_async_context(Fetcher(self.prove))
            run = sweep(targets, self._observe, concurrency=concurrency)
            async for observation, baseline in run:
                for judgement in self.judge(observation, baseline):
                    yield judgement
        for judgement in self._holding.rest():
            yield judgement
        if self.history is not None:
            self._guard(self.history.flush)

    def judge(
        self, observation: Observation, baseline: Baseline | None = None
    ) -> Iterable[Judgement]:
        """The judgements that one more observation lets go."""
        if baseline is None and self.history is not None:
            history, target = self.history, observation.target
            baseline = self._guard(lambda: history.baseline(target.host, target.port))
        seen = examine(observation, self.known, baseline)
        if seen is None:
            return (unjudged(observation, self.known),)
        self.sharing.note(seen)
        judgement = judge_examined(seen, self.sharing)
        if self.history is not None:
            history = self.history
            self._guard(lambda: history.record(seen, judgement))
        return self._holding.offer(seen, judgement)

    async def _observe(self, target: Target) -> tuple[Observation, Baseline | None]:
        observation = await probe(target, self.options)
        if self.staple:
            from detector.net.staple import with_staple

            observation = await with_staple(observation, self.options)
        observation = await self._with_proof(observation)
        if not self.compare_direct or observation.route.kind == "direct":
            return observation, None
        direct = await probe(target, replace(self.options, routing=Routing()))
        return observation, self._baseline(direct)

    async def _with_proof(self, observation: Observation) -> Observation:
        """The proof of inclusion from the store, else, where that was asked for, from a log."""
        if self.store is None and self._fetch is None:
            return observation
        from detector.lookup.inclusion import keep_inclusion, with_inclusion, with_stored_inclusion

        if self.store is not None:
            observation = with_stored_inclusion(observation, self.store)
        if self._fetch is None or observation.inclusion or not observation.chain:
            return observation
        observation, problems = await with_inclusion(
            observation, self.known, self._fetch, self.store
        )
        for problem in problems:
            self.warn(problem)
        if self.store is not None:
            try:
                keep_inclusion(observation, self.store, observation.at)
            except StoreError as error:
                self.warn(str(error))
        return observation

    def _baseline(self, direct: Observation) -> Baseline | None:
        seen = examine(direct, self.known)
        if seen is None or direct.handshake is None:
            return None
        return Baseline(
            source="direct",
            public=seen.is_public_path,
            leaf_spki_sha256=seen.leaf.spki_sha256,
            issuer_spki_sha256=seen.issuer_spki_sha256,
            version=direct.handshake.version,
            alpn=direct.handshake.alpn,
            at=direct.at,
        )

    def _guard[T](self, work: Callable[[], T]) -> T | None:
        """Do something with the history; trouble ends the history, not the run."""
        try:
            return work()
        except StoreError as error:
            self.warn(str(error))
            self.history = None
            return None


class Holding:
    """Judgements that sharing may still change. Pure."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing
        self._held: dict[int, tuple[Examination, Judgement]] = {}
        self._by_key: dict[SharedKey, list[int]] = {}
        self._next = 0

    def offer(self, seen: Examination, judgement: Judgement) -> list[Judgement]:
        """Take one judgement; give back those that stand now."""
        keys = [key for key in keys_of(seen) if key.certain]
        released = self._companions(seen, keys)
        if judgement.verdict != "suspect" or not keys:
            return [*released, judgement]
        self._held[self._next] = (seen, judgement)
        for key in keys:
            self._by_key.setdefault(key, []).append(self._next)
        self._next += 1
        if len(self._held) > MAX_HELD:
            released.append(self._let_go(next(iter(self._held)))[1])
        return released

    def rest(self) -> list[Judgement]:
        """What is still held at the end of the run, judged once more."""
        found = [judge_examined(seen, self._sharing) for seen, _ in self._held.values()]
        self._held.clear()
        self._by_key.clear()
        return found

    def _companions(self, seen: Examination, keys: list[SharedKey]) -> list[Judgement]:
        released: list[Judgement] = []
        for key in keys:
            if key not in self._by_key or not self._sharing.others(key, use_of(seen)):
                continue
            for number in list(self._by_key.get(key, ())):
                held = self._held.get(number)
                if held and self._sharing.others(key, use_of(held[0])):
                    self._let_go(number)
                    released.append(judge_examined(held[0], self._sharing))
        return released

    def _let_go(self, number: int) -> tuple[Examination, Judgement]:
        held = self._held.pop(number)
        for key in keys_of(held[0]):
            numbers = self._by_key.get(key)
            if numbers and number in numbers:
                numbers.remove(number)
                if not numbers:
                    del self._by_key[key]
        return held
