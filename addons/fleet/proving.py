"""What is open and no more than told, judged again and marked as proved or not; the rules are addons.fleet.proof's."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import NamedTuple

from addons.fleet.conditions import marks
from addons.fleet.database import FleetDatabase, Row
from addons.fleet.page.again import Judge, read_event
from addons.fleet.proof import JUDGED_KINDS
from detector.agent.finding import sight
from detector.errors import TlsightError
from detector.report.event_json import EventRecord

# Each is a handshake to judge, of about a millisecond; the rest waits for the next look.
MOST = 5000
_AT_ONCE = 100
_KEY = "event || ' ' || kind || ' ' || subject"
# One of each device first: who makes up a thousand findings keeps nobody else's waiting.
_CLAIMS = f"""
SELECT device, id, event, kind, subject FROM (
    SELECT device, id, event, kind, subject, ROW_NUMBER() OVER (PARTITION BY device ORDER BY id) AS turn FROM finding
    WHERE closed IS NULL AND kind IN {JUDGED_KINDS} AND proven = 0
    AND proved <> '-' || {_KEY} AND proved <> '~' || {_KEY}
) AS waiting ORDER BY turn, device LIMIT ?
"""  # noqa: S608 (of this file alone)
_PROVED = "UPDATE finding SET proved = ?, proven = ? WHERE device = ? AND id = ? AND event = ?"


class Claim(NamedTuple):
    """A finding that is to be proved."""

    device: str
    id: str
    event: str
    kind: str
    subject: str

    @property
    def key(self) -> str:
        return f"{self.event} {self.kind} {self.subject}"


async def prove(
    database: FleetDatabase, judge: Judge | None = None, most: int = MOST
) -> tuple[int, int]:
    """Judge what is open and was not judged yet; how many that were, and how many are proved. Raises StoreError.

    Args:
        database: an open one.
        judge: by these tables; those that are shipped when left out.
        most: at once.

    """
    claims = [Claim(*map(str, row)) for row in await database.read(_CLAIMS, most)]
    judge = judge or _shipped()
    proved = 0
    for at in range(0, len(claims), _AT_ONCE):
        some = claims[at : at + _AT_ONCE]
        events = sorted({one.event for one in some})
        bodies = {
            str(id_): str(body)
            for id_, body in await database.read(
                f"SELECT id, body FROM event WHERE id IN ({marks(events)})",  # noqa: S608
                *events,
            )
        }
        found = await asyncio.to_thread(_all_borne_out, some, bodies, judge)
        proved += sum(found)
        rows: list[Row] = [
            (one.key if good else f"-{one.key}", int(good), one.device, one.id, one.event)
            for one, good in zip(some, found, strict=True)
        ]
        await database.write([(_PROVED, rows)])
    return len(claims), proved


def borne_out(claim: Claim, event: EventRecord | None, judge: Judge) -> bool:
    """Whether the event proves the claim."""
    if event is None or event.finding is None or event.check is None or event.observation is None:
        return False
    if (event.device.id, event.finding.id) != (claim.device, claim.id):
        return False
    if event.check.verdict not in ("intercepted", "suspect"):
        return False
    try:
        seen = sight(judge.judged(event.observation))
    except TlsightError:
        return False
    if seen.standing != "shows" or seen.host not in event.finding.hosts:
        return False
    if claim.kind == "suspect":  # proof is more than suspicion
        return claim.subject in (seen.subject, f"host:{seen.host}")
    return (seen.kind, seen.subject) == (claim.kind, claim.subject)


def _all_borne_out(claims: list[Claim], bodies: dict[str, str], judge: Judge) -> list[bool]:
    return [
        one.event in bodies and borne_out(one, read_event(bodies[one.event]), judge)
        for one in claims
    ]


@cache
def _shipped() -> Judge:
    from detector.api import default_knowledge

    return Judge(lambda: default_knowledge(local=False))
