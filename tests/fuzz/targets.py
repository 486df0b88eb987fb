"""The one list of targets, for both engines."""

from __future__ import annotations

from functools import cache

from tests.fuzz import (
    addons,
    agents,
    asking,
    certificates,
    dialogues,
    echoes,
    evidence,
    files,
    fleet,
    grades,
    judgements,
    lists,
    packets,
    planted,
    receivers,
    senses,
    transparency,
    wire,
)
from tests.fuzz.target import Target

_ROOMS = (
    wire, certificates, transparency, lists, judgements, evidence, packets, dialogues, files, addons, receivers,
    senses, fleet, agents, asking, echoes, grades,
)  # fmt: skip


@cache
def all_targets() -> dict[str, Target]:
    """By name."""
    found: dict[str, Target] = {}
    for room in _ROOMS:
        made = room.targets()
        assert not made.keys() & found.keys()
        found |= made
    return found


def target(name: str) -> Target:
    """One of them, or the planted one."""
    return (planted.targets() if name == "planted" else all_targets())[name]
