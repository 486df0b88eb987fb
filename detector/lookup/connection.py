"""May an unsigned answer be believed? Only if nobody stood between us and its source.

The machine's store may hold an interceptor's root, so a verified connection is not enough: the
look-up's own handshake goes before the same judge as everything else.
"""

from __future__ import annotations

from collections.abc import Iterable

from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.model.observation import Observation


def distrust(connections: Iterable[Observation | None], known: Knowledge) -> str | None:
    """Why an answer over these connections does not count, None when it does.

    Only a connection judged direct vouches for what came over it, or a consistent one of which nothing is
    said, not even weakly: what poisons knowledge harms longer than what is seen once.
    """
    distinct = {(c.target, c.chain) if c else None: c for c in connections}
    for connection in distinct.values():
        if connection is None:
            return "it came over plain HTTP"
        (judgement,) = judge_all([connection], known)
        against = [
            e.id for e in judgement.evidence if e.points == "intercepted" or e.id == "sct-missing"
        ]
        if judgement.verdict == "direct" or (judgement.verdict == "consistent" and not against):
            continue
        why = (against or [judgement.evidence[0].id])[0]
        return f"the connection to {connection.target.host} is {judgement.verdict} ({why})"
    return None
