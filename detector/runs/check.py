"""A run over many targets: probe, examine, judge, and give each judgement out as soon as it stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, aclosing, nullcontext
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from detector.errors import CertificateError, StoreError
from detector.judging.docket import Docket
from detector.judging.judge import examine
from detector.known.knowledge import Baseline, Knowledge
from detector.logged import Log
from detector.model.observation import Judgement, Observation, Target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing
from detector.net.sweep import sweep
from detector.runs.memory import Memory
from detector.runs.witnesses import Witnesses

if TYPE_CHECKING:
    from detector.knowledge.ct_store import CtStore
    from detector.net.fetch import Fetcher, FetchOptions
    from detector.runs.signers import Progress, Signers

_log = Log(__name__)
_LOOKUP_SECONDS = 3.0


class CheckRun:
    """One run.

    Args:
        known: what to compare with.
        options: how to probe.
        memory: earlier runs.
        compare_direct: ask again without the proxy and compare, with a browser's hello too.
        staple: ask every server for what it sends beside its leaf (SCTs, a stapled OCSP response); without it
            only those whose public leaf holds no SCT.
        other_ways: ask the second address family and HTTP/3 too, where the host has them.
        store: inclusion proofs that were fetched before.
        prove: how to ask logs for inclusion proofs; None asks none.
        lookups: fetch issuers that a server forgets to send, from where its certificates say.
        canaries: ask a few well-known sites by the same way where a private path answers for a public name.
        witnesses: which ones; the table's first three when left out.
        recover: compute RSA signers that were not sent, and tell this of the work; None computes none.
        within: seconds after which targets that have not answered are left out; None waits for all.
        around: entered while a target is asked.
        warn: told about trouble that does not stop the run, one line each.

    Raises ConfigError where `recover` cannot be had.

    """

    def __init__(
        self,
        known: Knowledge,
        options: ProbeOptions,
        *,
        memory: Memory | None = None,
        compare_direct: bool = False,
        staple: bool = False,
        other_ways: bool = False,
        store: CtStore | None = None,
        prove: FetchOptions | None = None,
        lookups: bool = False,
        canaries: bool = True,
        witnesses: Sequence[str] = (),
        recover: Progress | None = None,
        within: float | None = None,
        around: Callable[[Target], AbstractContextManager[object]] = nullcontext,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.memory = memory or Memory()
        known = replace(known, signers=(*known.signers, *self.memory.signers()))
        self.known = known
        self.options = options
        self.compare_direct = compare_direct
        self.staple = staple
        if other_ways:
            from detector.extras import demand

            demand("--other-ways", "aioquic", "quic")
        self.other_ways = other_ways
        self.store = store
        self.prove = prove
        self.lookups = lookups
        self.within = within
        self.around = around
        self._fetch: Fetcher | None = None
        self.warn = warn
        self._docket: Docket[int] = Docket(known, on_judged=self.memory.record)
        self.memory.fill(self._docket.sharing, known)
        self._witnesses = Witnesses(known, options, allowed=canaries, drawn=witnesses)
        self._signers = _signers(known, recover, self.memory) if recover is not None else None
        self._waiting: list[tuple[int, Observation, Baseline | None]] = []

    async def run(
        self, targets: Iterable[Target], concurrency: int = 64
    ) -> AsyncGenerator[Judgement]:
        """Judgements as they stand, in no particular order; every target gives exactly one."""
        async for _, judgement in self.numbered(targets, concurrency):
            yield judgement

    async def numbered(
        self, targets: Iterable[Target], concurrency: int = 64
    ) -> AsyncGenerator[tuple[int, Judgement]]:
        """As `run`, each with its target's place in `targets`."""
        if concurrency > 1:
            self._open_all()
        async with AsyncExitStack() as stack:
            if self.prove is not None:
                from detector.net.fetch import Fetcher

                self._fetch = await stack.enter_async_context(Fetcher(self.prove))
            run = sweep(enumerate(targets), self._observe, concurrency=concurrency)
            async for place, observation, baseline in _in_time(run, self.within):
                await self._witnesses.hear(observation, self._docket)
                if self._signers is not None and self._signers.add(observation):
                    self._waiting.append((place, observation, baseline))
                    continue
                for released in self.judge(place, observation, baseline):
                    yield released
        await self._recover()
        for waited in self._waiting:
            for released in self.judge(*waited):
                yield released
        for released in self._docket.rest():
            yield released
        self.memory.flush()

    async def _recover(self) -> None:
        """Compute the signers of what waits for them, and know them from then on."""
        if self._signers is None:
            return
        for pause in self._signers.steps():
            await asyncio.sleep(pause)
        signers = (*self.known.signers, *self._signers.found)
        self._docket.known = self.known = replace(self.known, signers=signers)

    def _open_all(self) -> None:
        """Read and import what a run of many needs later: by then file descriptors may have run out."""
        from detector.causes.find import rule

        self.known.read_tables()
        for name in self.known.causes.one_handshake:
            rule(name)
        import_module("detector.net.unasked")
        if self.store is not None or self.prove is not None:
            import_module("detector.lookup.inclusion")
            import_module("detector.ct.inclusion")

    def judge(
        self, place: int, observation: Observation, baseline: Baseline | None = None
    ) -> list[tuple[int, Judgement]]:
        """The judgements that one more observation lets go."""
        if baseline is None:
            baseline = self.memory.baseline(observation.target)
        found = self._docket.add(place, observation, baseline)
        for _, one in found:
            _log.info(
                "judged", host=one.observation.target.host, verdict=one.verdict, by=one.decided_by
            )
        return found

    async def _observe(
        self, numbered: tuple[int, Target]
    ) -> tuple[int, Observation, Baseline | None]:
        place, target = numbered
        with self.around(target):
            observation, baseline = await self._asked(target)
        return place, observation, baseline

    async def _asked(self, target: Target) -> tuple[Observation, Baseline | None]:
        observation = await self._whole(await probe(target, self.options))
        if self.staple or may_send_scts(observation, self.known):
            from detector.net.unasked import with_unasked

            observation = await with_unasked(observation, self.options)
        observation = await self._with_proof(observation)
        if self.other_ways:
            from detector.net.other_ways import with_other_ways

            observation = await with_other_ways(observation, self.options)
        if not self.compare_direct or observation.route.kind == "direct":
            return observation, None
        past = replace(self.options, routing=Routing())
        direct = await probe(target, past)
        if observation.handshake is not None and direct.handshake is not None:
            from detector.net.todays_hello import with_browser_answer

            observation, direct = await asyncio.gather(
                with_browser_answer(observation, self.options), with_browser_answer(direct, past)
            )
        return observation, baseline_of(direct, self.known)

    async def _whole(self, observation: Observation) -> Observation:
        """With the issuers that the server should have sent, where it sent too few."""
        if not self.lookups or not lacks_issuer(observation, self.known):
            return observation
        try:
            from detector.lookup.certificates import with_missing_issuers
            from detector.net.fetch import Fetcher, FetchOptions

            seconds = min(self.options.timeout, _LOOKUP_SECONDS)
            how = FetchOptions(timeout=seconds, attempts=1, routing=self.options.routing)
            async with asyncio.timeout(seconds), Fetcher(how) as fetch:
                return await with_missing_issuers(observation, self.known, fetch)
        except (OSError, ImportError):  # too slow, or file descriptors have run out
            return observation

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


async def _in_time[T](run: AsyncGenerator[T], within: float | None) -> AsyncGenerator[T]:
    """What comes of it within so many seconds; it is ended then."""
    loop = asyncio.get_running_loop()
    until = None if within is None else loop.time() + within
    async with aclosing(run):
        while True:
            try:
                # Around the waiting alone: time that our caller takes is no answer's delay.
                async with asyncio.timeout_at(until):
                    found = await anext(run)
            except (StopAsyncIteration, TimeoutError):
                return
            yield found


def lacks_issuer(observation: Observation, known: Knowledge) -> bool:
    """Whether the chain stops below an anchor, at a certificate that did not sign itself."""
    seen = examine(observation, known)
    try:
        return seen is not None and seen.path.kind == "incomplete"
    except CertificateError:
        return False  # it will be judged as unreadable


def may_send_scts(observation: Observation, known: Knowledge) -> bool:
    """Whether SCTs, if there are any, come beside the leaf. Where it holds some, asking would change no
    verdict for the better, and the path is walked only once.
    """
    seen = examine(observation, known) if known.logs else None
    try:
        return seen is not None and seen.leaf.extension("SCT") is None and seen.is_public_path
    except CertificateError:
        return False  # it will be judged as unreadable


def baseline_of(direct: Observation, known: Knowledge) -> Baseline | None:
    """What the way past a proxy is worth to whoever judges the way through it."""
    seen = examine(direct, known)
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
        logged=seen.is_public_path and seen.sct_verified,
        browser=direct.browser,
    )


def _signers(known: Knowledge, progress: Progress, memory: Memory) -> Signers:
    from detector.runs.signers import Signers

    return Signers(known, progress, memory.keep_signers)
