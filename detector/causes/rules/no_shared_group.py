"""no-shared-group: the server wants a key exchange group that browsers do not offer (RFC 8446 4.2.7)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.wire.registry import group_name


def find(clues: Clues) -> Claim | None:
    if clues.greeted or not clues.fails("plain") or not clues.serves("all-groups"):
        return None
    group = clues.trials["all-groups"].group
    name = "one that no client of today has" if group is None else group_name(group)
    text = f"The server accepts only the group {name}, which browsers do not offer."
    return Claim("error", text, (clues.compared("plain", "all-groups"),))
