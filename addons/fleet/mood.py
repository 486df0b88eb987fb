"""Whether an agent can look at all, as its last heartbeat says it. Pure.

An agent behind a portal, offline, or whom nobody answers finds nothing and is clean of nothing. The heartbeat's field is
read leniently: older agents have none, and a word that this version does not know is one that it does not know.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from detector.model.no_json import NO_JSON
from detector.report.event_json import blindness

Mood = Literal["captive", "offline", "blocked"]
_WORDS: tuple[Mood, ...] = ("captive", "offline", "blocked")
MOODS: dict[Mood, str] = {one: blindness(one) for one in _WORDS}
# Of agent a; a quote within a text is written as \" and so is never one of these.
CANNOT_LOOK = "(" + " OR ".join(f"""a.heartbeat LIKE '%"mood":"{one}"%'""" for one in MOODS) + ")"


class _Said(msgspec.Struct):
    mood: object = ""


def mood_of(heartbeat: str | None) -> Mood | None:
    """Why it cannot look; None where it can, or does not say."""
    if heartbeat is None:
        return None
    try:
        said = msgspec.json.decode(heartbeat, type=_Said).mood
    except NO_JSON:
        return None
    return next((one for one in MOODS if one == said), None)
