"""One diagnosis from start to end: try, look up, conclude."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import structs

from detector.diagnosing import Catalogue, diagnose
from detector.evidence.known import Knowledge
from detector.inquiry import Diagnosis, Inquiry
from detector.knowledge.fixes import catalogue
from detector.lookup.certificates import with_lookups
from detector.model import Target
from detector.net.budget import Budget
from detector.net.fetch import Fetcher, FetchOptions
from detector.net.inquire import Curiosity, inquire
from detector.net.probe import ProbeOptions


@dataclass(frozen=True, slots=True)
class Investigation:
    """How to investigate.

    Attributes:
        options: how to dial.
        curiosity: what to try.
        fetch: how to fetch what certificates point to; None fetches nothing.
        suites: enumerate cipher suites as well.

    """

    options: ProbeOptions = field(default_factory=ProbeOptions)
    curiosity: Curiosity = field(default_factory=Curiosity)
    fetch: FetchOptions | None = None
    suites: bool = False

    async def of(
        self, target: Target, known: Knowledge, shipped: Catalogue | None = None
    ) -> Diagnosis:
        """The diagnosis of one target. Never raises for what a peer does."""
        inquiry = await self._inquiry(target, known)
        return diagnose(inquiry, known, shipped or catalogue())

    async def _inquiry(self, target: Target, known: Knowledge) -> Inquiry:
        budget = Budget(self.options.timeout)
        inquiry = await inquire(target, self.options, self.curiosity, budget)
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
