"""Hosts asked through a proxy, as their clients would, and past it: what `bypass prove` and `recheck` are made of.

Theory of operation
-------------------
For each host both ways are asked at once, within one deadline. The way past the proxy is judged first: what is
public and logged there is what the other way is held against (route-differs). A host for which no proxy is meant
is asked once. What the judge holds back, because another host may tell more of it, comes at the end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, replace

from addons.bypass.proof import Proof, proof
from addons.bypass.way import Way, way_of
from detector import clock
from detector.chain.certificate import Certificate
from detector.evidence.sharing import Sharing
from detector.judging.docket import Docket
from detector.judging.judge import judge_all
from detector.known.knowledge import Baseline, Knowledge
from detector.model.observation import Failure, Judgement, Observation, Target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing
from detector.net.sweep import sweep
from detector.runs.check import baseline_of, may_send_scts
from detector.runs.witnesses import Witnesses

# Seconds between two beginnings: a gateway shall not take a check for a scan.
PACE = 0.05


@dataclass(frozen=True)
class Asked:
    """One host, and the rule that it was taken from."""

    target: Target
    rule: str | None = None


@dataclass(frozen=True)
class _Seen:
    asked: Asked
    through: Observation
    direct: Observation | None


class BothWays:
    """One run.

    Args:
        known: what the judge compares with.
        options: the way that clients take; its time-out is each host's deadline.
        ca: the CA that the proxy is known to sign with.
        canaries: ask a few well-known sites by the same way where a private path answers for a public name.

    Attributes:
        passed: by host and port: how many connections through the proxy got as far as an answer to a hello.

    """

    def __init__(
        self,
        known: Knowledge,
        options: ProbeOptions,
        ca: Certificate | None = None,
        *,
        canaries: bool = False,
    ) -> None:
        self._known = known
        self._options = options
        self._past = replace(options, routing=Routing())
        self._ca = ca
        self._docket: Docket[tuple[Asked, Way | None]] = Docket(known)
        self._witnesses = Witnesses(known, options, allowed=canaries)
        # What hosts show past the proxy is no company for what they show through it.
        self._sharing = Sharing()
        self._turn = 0.0
        self.passed: Counter[tuple[str, int]] = Counter()

    async def run(self, wanted: Iterable[Asked], concurrency: int = 8) -> AsyncGenerator[Proof]:
        """Proofs as they stand, in no particular order; every host gives exactly one."""
        async for seen in sweep(wanted, self._observe, concurrency=concurrency):
            await self._witnesses.hear(seen.through, self._docket)
            direct, baseline = self._direct(seen.direct)
            item = seen.asked, direct
            for (asked, other), judgement in self._docket.add(item, seen.through, baseline):
                yield self._proof(asked, other, judgement)
        for (asked, other), judgement in self._docket.rest():
            yield self._proof(asked, other, judgement)

    def _proof(self, asked: Asked, direct: Way | None, judgement: Judgement) -> Proof:
        target = asked.target
        through = way_of(judgement, self._ca)
        at = judgement.observation.at
        return proof(at, target.host, target.port, asked.rule, through, direct)

    def _direct(self, seen: Observation | None) -> tuple[Way | None, Baseline | None]:
        if seen is None:
            return None, None
        (judgement,) = judge_all([seen], self._known, self._sharing)
        return way_of(judgement, self._ca), baseline_of(seen, self._known)

    async def _observe(self, asked: Asked) -> _Seen:
        await self._pace()
        target = asked.target
        ways = await self._options.routing.choose(target.host, target.port)
        if ways == (None,):
            return _Seen(asked, await self._by(target, self._options), None)
        through, direct = await asyncio.gather(
            self._by(target, self._options), self._by(target, self._past)
        )
        return _Seen(asked, through, direct)

    async def _by(self, target: Target, options: ProbeOptions) -> Observation:
        """One way, within the deadline; what was seen by then counts."""
        seen: Observation | None = None
        began = clock.now()
        try:
            async with asyncio.timeout(options.timeout):
                seen = await probe(target, options)
                self._count(seen, options)
                if may_send_scts(seen, self._known):
                    from detector.net.unasked import with_unasked

                    self._count(seen, options)
                    seen = await with_unasked(seen, options)
        except TimeoutError:
            text = f"no handshake within {options.timeout:g} s"
            failure = Failure("tls", "silent-drop", text, how="silence")
            seen = seen or Observation(at=began, target=target, failure=failure)
        return seen

    def _count(self, seen: Observation, options: ProbeOptions) -> None:
        if options is self._options and seen.handshake is not None:
            self.passed[seen.target.host, seen.target.port] += 1

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        self._turn = max(now, self._turn + PACE)
        await asyncio.sleep(self._turn - now)
