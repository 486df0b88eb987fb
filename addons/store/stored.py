"""What the store holds, as values."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from addons.bypass.learning import Candidate
from addons.bypass.rule import Rule

RuleState = Literal["draft", "approved", "trial"]
CandidateState = Literal["pending", "approved", "rejected", "snoozed", "cleared"]


class StoredRule(msgspec.Struct, frozen=True, gc=False):
    """A rule and its life: a draft that waits for a person, approved by one, or on trial `until` a moment."""

    id: int
    rule: Rule
    state: RuleState
    until: datetime | None


class StoredCandidate(msgspec.Struct, frozen=True):
    """A candidate and what was decided about it.

    Attributes:
        until: when it is looked at again, of a snoozed one.
        tried: when its last trial began.

    """

    candidate: Candidate
    state: CandidateState
    until: datetime | None
    tried: datetime | None
