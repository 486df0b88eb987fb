"""What queries of the fleet's database give: rows with names. Times are texts as the database keeps them."""

from __future__ import annotations

from typing import NamedTuple


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

    """

    agents: int
    silent: int
    revoked: int
    intercepted: int
    sanctioned: int
    open: dict[str, int]


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
    agent: str

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
