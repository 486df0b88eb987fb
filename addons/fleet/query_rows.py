"""What queries of the fleet's database give: rows with names. Times are texts as the database keeps them."""

from __future__ import annotations

import re
from typing import NamedTuple

from addons.fleet.mood import Mood, mood_of
from addons.fleet.proof import Proof, proof_of

# What agents say of themselves, as it is shown and may be chosen by: free text of a stranger is none of it.
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]{0,39}")
_SYSTEM = re.compile(r"[0-9A-Za-z._-]{1,24}")
# An agent knows no more hosts of a finding one by one (detector.agent.finding).
MOST_HOSTS = 2000


def is_version(text: str) -> bool:
    return _VERSION.fullmatch(text) is not None


def more_hosts(count: int) -> str:
    """How many beyond the first; empty for none. A number that no agent counts to is only "many"."""
    if count > MOST_HOSTS:
        return f"more than {MOST_HOSTS}"
    return str(count - 1) if count > 1 else ""


class Paged[T](NamedTuple):
    """One page of a list.

    Attributes:
        total: of all; no more than conditions.MOST_COUNTED are counted.

    """

    rows: list[T]
    total: int
    page: int
    pages: int
    more: bool


class Counts(NamedTuple):
    """Of the whole fleet, now.

    Attributes:
        intercepted: agents with an interception that no policy allows.
        sanctioned: interceptions that are allowed.
        open: findings by kind that no policy allows.
        claimed: of any, those that no observation proves; they are counted nowhere else.
        cannot_look: agents that say so, and are clean of nothing.

    """

    agents: int
    silent: int
    revoked: int
    intercepted: int
    sanctioned: int
    open: dict[str, int]
    claimed: int = 0
    cannot_look: int = 0


class Changes(NamedTuple):
    opened: int
    changed: int
    closed: int


class Who(NamedTuple):
    """Who intercepts, as a finding names him."""

    product: str
    engine: str
    category: str
    issuer: str
    spki: str

    @property
    def name(self) -> str:
        """The best name there is."""
        return self.product or self.engine or self.issuer or "unknown"


class Standing(NamedTuple):
    """A subject with open findings.

    Attributes:
        unsanctioned: agents on which no policy allows it.

    """

    subject: str
    agents: int
    findings: int
    unsanctioned: int
    since: str


class Place(NamedTuple):
    network: str
    label: str
    agents: int


class NetworkRow(NamedTuple):
    id: str
    label: str
    first: str
    last: str
    intercepted: int
    unsanctioned: int


class ProductRow(NamedTuple):
    """`cas`: keys or names of its CAs."""

    product: str
    engine: str
    category: str
    agents: int
    cas: int
    unsanctioned: int


class AgentRow(NamedTuple):
    device: str
    name: str
    system: str
    tlsight: str
    tables: str
    network: str
    first: str
    last: str
    due: str
    heartbeat: str | None
    revoked: str | None

    @property
    def version(self) -> str:
        """What is one, or that it is none."""
        return self.tlsight if is_version(self.tlsight) else "no version"

    @property
    def os(self) -> str:
        return self.system if _SYSTEM.fullmatch(self.system) else "unknown"

    @property
    def mood(self) -> Mood | None:
        """Why it cannot look; None where it can, or does not say."""
        return mood_of(self.heartbeat)


class FindingRow(NamedTuple):
    id: str
    device: str
    kind: str
    subject: str
    network: str
    verdict: str
    sanctioned: int
    product: str
    engine: str
    category: str
    issuer: str
    issuer_spki: str
    host: str
    hosts: str
    host_count: int
    opened: str
    changed: str
    seen: str
    closed: str | None
    event: str
    proved: str
    agent: str

    @property
    def proof(self) -> Proof:
        return proof_of(self.kind, self.subject, self.event, self.proved)

    @property
    def more(self) -> str:
        """How many hosts beyond the first."""
        return more_hosts(self.host_count)

    @property
    def seen_on(self) -> str:
        """On how many hosts, in words."""
        if self.host_count > MOST_HOSTS:
            return f"more than {MOST_HOSTS} hosts"
        return f"{self.host_count:,} {'host' if self.host_count == 1 else 'hosts'}"

    @property
    def who(self) -> Who:
        return Who(self.product, self.engine, self.category, self.issuer, self.issuer_spki)


class EventRow(NamedTuple):
    id: str
    device: str
    at: str
    received: str
    kind: str
    severity: str
    finding: str
    headline: str


class CorrelationRow(NamedTuple):
    id: str
    kind: str
    subject: str
    network: str
    headline: str
    agents: int
    opened: str
    seen: str
    closed: str | None
    body: str


class QuestionRow(NamedTuple):
    id: str
    host: str
    asked: str
    until: str
    by: str
    wanted: int
    network: str
    answers: int


class AnswerRow(NamedTuple):
    device: str
    name: str
    at: str
    verdict: str
    event: str
