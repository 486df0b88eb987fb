"""What a page of the fleet is given: a call, the database's queries, and what of the fleet it may use."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from addons.fleet.members import Member
from addons.fleet.page.again import Judge
from addons.fleet.queries import FleetQueries
from addons.fleet.unheard import Enrolled, unheard
from addons.review.visit import Call, Done, View
from detector.errors import ConfigError

_ID = re.compile(r"[0-9A-Za-z:_-]{1,128}")  # as the collector takes them


class Ask(Protocol):
    """Asks agents about a host now; the question's id. Raises TlsightError."""

    async def __call__(self, host: str, agents: int, network: str, by: str) -> str:
        """On the bus.

        Args:
            host: "host" or "host:port".
            agents: of how many an answer is wanted.
            network: of agents there alone; empty for any.
            by: who asks.

        """


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look(Call):
    """One at the fleet page.

    Attributes:
        fleet: what the database says.
        judge: judges an observation again.
        ask: None where agents cannot be asked from here.
        enrolled: who is enrolled, where that is known here.

    """

    fleet: FleetQueries
    judge: Judge
    ask: Ask | None = None
    enrolled: Enrolled = lambda: None

    async def unheard(self) -> list[Member] | None:
        """Agents that were enrolled and never told anything; None where it is not known here. Raises StoreError."""
        members = await run_in_threadpool(self.enrolled)
        return None if members is None else await unheard(self.fleet.database, members, self.now)

    def id(self, name: str) -> str:
        """An identifier of the address; empty for what is none."""
        found = self.query(name, 200)
        return found if _ID.fullmatch(found) else ""


Page = Callable[[Look], Awaitable[View]]
Deed = Callable[[Look], Awaitable[Done]]


def found[T](what: T | None, name: str, kind: str) -> T:
    """What is there. Raises ConfigError, which is a page that says so."""
    if what is None:
        raise ConfigError(name or kind, f"no such {kind} is known here")
    return what
