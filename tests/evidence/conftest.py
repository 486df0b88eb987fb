"""Rules are asked one by one: `ask(rule, observation)` gives its finding or None."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Baseline, Knowledge
from detector.model.observation import Evidence, Observation

Ask = Callable[..., Evidence | None]


@pytest.fixture
def ask(known: Knowledge) -> Ask:
    def find(
        rule: ModuleType,
        observation: Observation,
        knowledge: Knowledge | None = None,
        *,
        beside: tuple[Observation, ...] = (),
        baseline: Baseline | None = None,
    ) -> Evidence | None:
        knowledge = knowledge or known
        sharing = Sharing()
        for other in beside:
            sharing.note(Examination(other, knowledge))
        seen = Examination(observation, knowledge, baseline)
        sharing.note(seen)
        found: Evidence | None = rule.find(seen, sharing)
        return found

    return find
