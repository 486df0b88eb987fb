"""A run of diagnoses: try, look up, have all judged together, conclude."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import structs

from detector.errors import ProxyError
from detector.judging.diagnose import conclude
from detector.judging.docket import Docket
from detector.knowledge.fixes import config_lines
from detector.known.knowledge import Knowledge
from detector.logged import Log
from detector.lookup.certificates import with_lookups
from detector.model.asked import Asked, asked_by
from detector.model.inquiry import Diagnosis, Inquiry
from detector.model.observation import Judgement, Observation, Target
from detector.net.budget import Budget
from detector.net.fetch import Fetcher, FetchOptions
from detector.net.inquire import Curiosity, inquire
from detector.net.probe import ProbeOptions
from detector.net.sweep import sweep
from detector.runs.memory import Memory
from detector.runs.witnesses import Witnesses

if TYPE_CHECKING:
    from detector.knowledge.ct_store import CtStore
    from detector.net.routes import Proxy

_log = Log(__name__)


@dataclass(frozen=True, slots=True)
class Investigation:
    """How to investigate.

    Attributes:
        options: how to dial.
        curiosity: what to try.
        fetch: how to fetch what certificates point to; None fetches nothing.
        suites: enumerate cipher suites as well.
        store: inclusion proofs that were fetched before.
        roots: PEM file of the roots that are compared with, for commands that ask again.
        canaries: ask a few well-known sites by the same way where a private path answers for a public name.

    """

    options: ProbeOptions = field(default_factory=ProbeOptions)
    curiosity: Curiosity = field(default_factory=Curiosity)
    fetch: FetchOptions | None = None
    suites: bool = False
    store: CtStore | None = None
    roots: str | None = None
    canaries: bool = True

    async def of(self, target: Target, known: Knowledge) -> Diagnosis:
        """The diagnosis of one target. Never raises for what a peer does."""
        async for _, diagnosis in self.run((target,), known):
            return diagnosis
        raise AssertionError("every target has a diagnosis")

    async def run(
        self,
        targets: Iterable[Target],
        known: Knowledge,
        *,
        memory: Memory | None = None,
        concurrency: int = 8,
        around: Callable[[Target], AbstractContextManager[object]] = nullcontext,
    ) -> AsyncGenerator[tuple[int, Diagnosis]]:
        """Diagnoses as they stand, each with its target's place; who answers is judged as `check` judges it:
        what the targets share with each other, and with earlier runs, counts for all of them. `around` is entered
        while a target is asked.
        """
        remembered = memory or Memory()
        docket: Docket[tuple[int, Inquiry]] = Docket(known, on_judged=remembered.record)
        remembered.fill(docket.sharing, known)
        witnesses = Witnesses(known, self.options, allowed=self.canaries)

        async def ask(numbered: tuple[int, Target]) -> tuple[int, Inquiry]:
            place, target = numbered
            with around(target):
                return place, await self._inquiry(target, known)

        async for place, inquiry in sweep(enumerate(targets), ask, concurrency=concurrency):
            seen = inquiry.observation
            await witnesses.hear(seen, docket)
            released = docket.add((place, inquiry), seen, remembered.baseline(seen.target))
            for (number, one), judgement in released:
                yield number, self._concluded(one, judgement, known)
        for (number, one), judgement in docket.rest():
            yield number, self._concluded(one, judgement, known)
        remembered.flush()

    async def _inquiry(self, target: Target, known: Knowledge) -> Inquiry:
        budget = Budget(self.options.timeout)
        inquiry = await inquire(target, self.options, self.curiosity, budget)
        if self.store is not None:
            observation = self._with_proof(inquiry.observation, self.store)
            inquiry = structs.replace(inquiry, observation=observation)
        if self.fetch is not None:
            async with Fetcher(self.fetch) as fetch:
                inquiry = await with_lookups(inquiry, known, fetch, budget)
        unfinished = tuple(budget.unfinished)
        if self.suites and inquiry.trials:
            from detector.net.enumerate import served_suites

            more = Budget(self.options.timeout)  # dozens of hellos: as much time again
            suites = await served_suites(target, self.options, more)
            inquiry = structs.replace(inquiry, suites=suites)
            unfinished += tuple(more.unfinished)
        return structs.replace(inquiry, unfinished=tuple(dict.fromkeys(unfinished)))

    def _with_proof(self, observation: Observation, store: CtStore) -> Observation:
        from detector.lookup.inclusion import with_stored_inclusion

        return with_stored_inclusion(observation, store)

    def _concluded(self, inquiry: Inquiry, judgement: Judgement, known: Knowledge) -> Diagnosis:
        asked = self.asked(inquiry.observation, known)
        found = conclude(inquiry, judgement, known, config_lines(), asked)
        _log.info(
            "concluded", host=inquiry.observation.target.host, verdict=judgement.verdict,
            causes=",".join(one.id for one in found.causes) or "healthy", trials=len(inquiry.trials),
        )  # fmt: skip
        return found

    def asked(self, seen: Observation, known: Knowledge) -> Asked:
        """The question that an observation of this run answers."""
        told = asked_by(seen, known.words)
        proxy = self._proxy_of(seen)
        return structs.replace(
            told,
            connect=self.options.connect_to or told.connect,
            proxy=proxy.url if proxy is not None else None,
            proxy_user=proxy.user if proxy is not None else None,
            roots=self.roots,
            credential=self.options.credential,
        )

    def _proxy_of(self, seen: Observation) -> Proxy | None:
        """The proxy that an observation came through, with what only its options tell."""
        try:
            ways = self.options.routing.ways(seen.target.host, seen.target.port)
        except ProxyError:
            return None
        return next((one for one in ways if one and one.route.proxy == seen.route.proxy), None)
