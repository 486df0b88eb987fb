"""Canaries as witnesses: what everybody knows to be public, asked by the same way as the host in doubt.

Theory of operation
-------------------
A private CA on a public name that is not known to be public has innocent explanations: an owner's own CA, a
device, snake-oil. Whether the same CA, or the same leaf key, answers for sites of other owners too decides,
and only asking shows it. So the first time a run meets a private or unreadable path on a public name it asks
a few canaries by the same way (the same proxy, resolver and stack), at once, within one step's time-out, and
once a run. What they show is noted in the docket before the host is judged.

- The same issuer or leaf key there is proof, by the rules of sharing.
- Names of canaries that lead to inner addresses make the host's own inner address no excuse.
- Clean canaries lower no verdict: a selective forger spares them. That they are clean is said.
- Silent ones say nothing.

Nothing is asked where all is well, where the name is internal by itself, and where the user fixed the way
(an address, another SNI): the canaries would go another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from detector.chain.names import as_address
from detector.judging.docket import Docket
from detector.judging.judge import examine, judge_examined
from detector.known.knowledge import Knowledge
from detector.model.observation import Observation, Target
from detector.net.probe import ProbeOptions, probe

ASKED = 3


class Witnesses:
    """The canaries of one run. `allowed` is False where the user forbids to ask them; `drawn` are to be asked rather
    than the table's first ones, which an interceptor may know.
    """

    def __init__(
        self,
        known: Knowledge,
        options: ProbeOptions,
        *,
        allowed: bool = True,
        drawn: Sequence[str] = (),
    ) -> None:
        self.known = known
        self.options = options
        self._drawn = drawn
        # A lab has a public world of its own.
        self._open = (
            allowed and bool(known.canaries) and not known.lab and options.connect_to is None
        )

    async def hear[T](self, observation: Observation, docket: Docket[T]) -> None:
        """Ask, if this observation is the first in doubt, and note what they show."""
        if not self._open or not self._in_doubt(observation, docket):
            return
        self._open = False
        for seen in await self._ask(observation.target.host):
            docket.witness(seen)

    def _in_doubt[T](self, observation: Observation, docket: Docket[T]) -> bool:
        target = observation.target
        if not observation.chain or target.pinned_address or as_address(target.host) is not None:
            return False
        if target.sni != target.host:
            return False
        seen = examine(observation, self.known)
        if seen is None:
            return True  # a leaf that nobody can read
        if seen.is_public_path or seen.declared_internal or seen.expected_private is not None:
            return False
        return judge_examined(seen, docket.sharing).verdict in ("suspect", "private")

    async def _ask(self, doubted: str) -> list[Observation]:
        names = [name for name in self._drawn if name != doubted][:ASKED]
        names = names or sorted(self.known.canaries - {doubted})[:ASKED]
        tasks = [asyncio.create_task(probe(Target(name, sni=name), self.options)) for name in names]
        done, late = await asyncio.wait(tasks, timeout=self.options.timeout)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return [task.result() for task in tasks if task in done]
