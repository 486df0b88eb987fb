"""Who ended a connection: an alert's sender, who closed first, or somebody on the way.

Theory of operation
-------------------
A reset that the peer itself sent travels the way that its other packets travel: it arrives with their TTL,
with the sequence number that comes next, and nothing follows it. A reset that was put in by somebody on the
way seldom has all three (Weaver, Sommer, Paxson, "Detecting Forged TCP Reset Packets", NDSS 2009).
"""

from __future__ import annotations

from typing import Literal

from detector.capture.connection import ClosedBy, SeenAlert
from detector.capture.flow import Flow

_TTL_SLACK = 1


def ended(
    flow: Flow, alert: SeenAlert | None
) -> tuple[ClosedBy | None, Literal["fin", "rst", "open"], tuple[str, ...]]:
    """Who, how, and what speaks for a third party."""
    if not flow.ends:
        return (alert.sender if alert else None), "open", ()
    what, from_opener, _ = flow.ends[0]
    how: Literal["fin", "rst"] = "rst" if what == "rst" else "fin"
    if alert is not None:
        return alert.sender, how, ()
    signs = _signs(flow) if how == "rst" else ()
    if signs:
        return "middlebox", how, signs
    return ("client" if from_opener != flow.swapped else "server"), how, ()


def _signs(flow: Flow) -> tuple[str, ...]:
    found: list[str] = []
    for reset in flow.resets[:2]:
        half = flow.opener if reset.from_opener else flow.other
        side = "client" if half is flow.client else "server"
        if half.ttl >= 0 and abs(reset.ttl - half.ttl) > _TTL_SLACK:
            found.append(
                f"The reset came with TTL {reset.ttl}, the {side}'s other packets with {half.ttl}."
            )
        if half.after_reset:
            found.append(f"The {side} went on sending after its alleged reset.")
        if not reset.expected and half.next is not None:
            found.append(f"The reset's sequence number is none that the {side} would use.")
    return tuple(dict.fromkeys(found))
