"""no-shared-group: the server wants a key exchange group that browsers do not offer (RFC 8446 4.2.7)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.wire.offer import X25519MLKEM768
from detector.wire.registry import group_name


def find(clues: Clues) -> Claim | None:
    if clues.serves("browser"):
        return _hybrid_only(clues)
    if clues.greeted or not clues.fails("plain") or not clues.serves("all-groups"):
        return None
    group = clues.trials["all-groups"].group
    name = "one that no client of today has" if group is None else group_name(group)
    text = f"The server accepts only the group {name}, which browsers do not offer."
    return Claim("error", text, (clues.compared("plain", "all-groups"),))


def _hybrid_only(clues: Clues) -> Claim | None:
    """Browsers get in with X25519MLKEM768, and whoever does not know it yet stays out."""
    if not clues.fails("plain") or clues.trials["browser"].group != X25519MLKEM768:
        return None
    if clues.failure is None:
        return None
    text = "The server accepts only the group X25519MLKEM768, which many clients other than browsers do not offer."
    return Claim("error", text, (clues.compared("browser", "plain"),))
