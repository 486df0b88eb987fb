"""Observations that come one by one, each with its judgement as soon as that stands. Pure.

Theory of operation
-------------------
Sharing works backwards: that two unrelated hosts have one private issuer is known only when the
second is seen, and then, if one of them is known to be public, it changes the first one's verdict. So a judgement that sharing could still
change is held back until a companion shows up, or until the run ends. Everything else, and everything
once its key is known to be shared, goes out at once: memory does not grow with the run. At most
MAX_HELD are held; beyond that the oldest goes out as it stands.

Every verb that judges several observations (`check`, `diagnose`) has them judged here; what was already
collected as a whole (`judge`, captures) goes through `detector.judging.judge` with one `Sharing`.
"""

from __future__ import annotations

from collections.abc import Callable

from detector.evidence.examination import Examination
from detector.evidence.sharing import SharedKey, Sharing, keys_of, use_of
from detector.judging.judge import examine, judge_examined, unjudged
from detector.known.knowledge import Baseline, Knowledge
from detector.model.observation import Judgement, Observation

MAX_HELD = 2000
# What company can still change: a name may be internal by nothing but its address.
_OPEN = ("suspect", "private")


class Docket[T]:
    """One run's observations; `T` is what belongs to each and comes out with its judgement.

    Args:
        known: what to compare with.
        sharing: what earlier runs saw; grows with this one.
        on_judged: told each examination with its first judgement, to remember it.

    """

    def __init__(
        self,
        known: Knowledge,
        sharing: Sharing | None = None,
        on_judged: Callable[[Examination, Judgement], None] = lambda _, __: None,
    ) -> None:
        self.known = known
        self.sharing = sharing if sharing is not None else Sharing()
        self._on_judged = on_judged
        self._held: dict[int, tuple[T, Examination]] = {}
        self._by_key: dict[SharedKey, list[int]] = {}
        self._next = 0

    def add(
        self, item: T, observation: Observation, baseline: Baseline | None = None
    ) -> list[tuple[T, Judgement]]:
        """The judgements that one more observation lets go."""
        seen = examine(observation, self.known, baseline)
        if seen is None:
            return [(item, unjudged(observation, self.known))]
        self.sharing.note(seen)
        judgement = judge_examined(seen, self.sharing)
        self._on_judged(seen, judgement)
        keys = list(keys_of(seen))
        released = self._companions(seen, keys)
        if judgement.verdict not in _OPEN or not keys:
            return [*released, (item, judgement)]
        self._held[self._next] = item, seen
        for key in keys:
            self._by_key.setdefault(key, []).append(self._next)
        self._next += 1
        if len(self._held) > MAX_HELD:
            released.append(self._let_go(next(iter(self._held))))
        return released

    def witness(self, observation: Observation) -> None:
        """Note what a canary shows that nobody asked to have judged; it counts for all that is judged later."""
        seen = examine(observation, self.known)
        if seen is not None:
            self.sharing.note(seen)
        self.sharing.hear(observation, seen)

    def rest(self) -> list[tuple[T, Judgement]]:
        """What is still held at the end of the run, judged once more."""
        found = [(item, judge_examined(seen, self.sharing)) for item, seen in self._held.values()]
        self._held.clear()
        self._by_key.clear()
        return found

    def _companions(self, seen: Examination, keys: list[SharedKey]) -> list[tuple[T, Judgement]]:
        """Held ones that share a key with an unrelated host since this one came."""
        released: list[tuple[T, Judgement]] = []
        for key in keys:
            if key not in self._by_key or not self.sharing.others(key, use_of(seen)):
                continue
            for number in list(self._by_key.get(key, ())):
                held = self._held.get(number)
                if held is None:
                    continue
                company = self.sharing.company(held[1], key.role)
                if company is not None and company.strength != "weak":
                    released.append(self._let_go(number))
        return released

    def _let_go(self, number: int) -> tuple[T, Judgement]:
        item, seen = self._held.pop(number)
        for key in keys_of(seen):
            numbers = self._by_key.get(key)
            if numbers and number in numbers:
                numbers.remove(number)
                if not numbers:
                    del self._by_key[key]
        return item, judge_examined(seen, self.sharing)
