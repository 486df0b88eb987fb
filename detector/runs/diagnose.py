"""One diagnosis from start to end: try, look up, conclude."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import structs

from detector.judging.diagnose import diagnose
from detector.knowledge.fixes import config_lines
from detector.known.knowledge import Knowledge
from detector.lookup.certificates import with_lookups
from detector.model.inquiry import Diagnosis, Inquiry
from detector.model.observation import Target
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

    async def of(self, target: Target, known: Knowledge) -> Diagnosis:
        """The diagnosis of one target. Never raises for what a peer does."""
        inquiry = await self._inquiry(target, known)
        return diagnose(inquiry, known, config_lines())

    async def _inquiry(self, target: Target, known: Knowledge) -> Inquiry:
        inquiry = await inquire(target, self.options, self.curiosity)
        if self.fetch is not None:
            async with Fetcher(self.fetch) as fetch:
                inquiry = await with_lookups(inquiry, known, fetch)
        if self.suites and inquiry.trials:
            from detector.net.enumerate import served_suites

            inquiry = structs.replace(inquiry, suites=await served_suites(target, self.options))
        return inquiry
