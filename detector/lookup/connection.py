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

    Only a connection judged direct or consistent vouches for what came over it.
    """
    distinct = {(c.target, c.chain) if c else None: c for c in connections}
    for connection in distinct.values():
        if connection is None:
            return "it came over plain HTTP"
        (judgement,) = judge_all([connection], known)
        if judgement.verdict not in ("direct", "consistent"):
            host = connection.target.host
            return f"the connection to {host} is {judgement.verdict} ({judgement.evidence[0].id})"
    return None
