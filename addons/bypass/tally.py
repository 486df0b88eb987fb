"""What clients did, counted, and what was changed meanwhile: all there is to judge what breaks by (breaking.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from addons.bypass.attempt import AttemptClass

TOOK: frozenset[AttemptClass] = frozenset(("trusted", "not-http"))
REFUSED: frozenset[AttemptClass] = frozenset(
    ("refused", "refused-silently", "hung-up", "client-version", "quic")
)
UPSTREAM: frozenset[AttemptClass] = frozenset(
    ("upstream-mtls", "upstream-version", "upstream-certificate-invalid", "upstream-not-tls")
)
FAILED = REFUSED | UPSTREAM
# What one client counts for at most at one host and in one slot: successes, and failures.
UNITS = 3
MEMORY, PAST = timedelta(hours=24), timedelta(days=8)


class Count(NamedTuple):
    """So many attempts of one class; `client` is empty where it is no longer known, and the count then of units."""

    slot: datetime
    host: str
    kind: AttemptClass
    client: str
    number: int


class Alteration(msgspec.Struct, frozen=True):
    """What was changed that clients may feel.

    Attributes:
        subject: the pattern of a rule that passes no more, or that keeps from passing; the digest of the CA that the
            proxy signs with now.
        text: in words.

    """

    at: datetime
    what: Literal["rule", "root"]
    subject: str
    text: str


class Passed(NamedTuple):
    """Connections that a rule let through."""

    rule: str
    connections: int
    last: datetime


class Trust(NamedTuple):
    """Of one client: when it took the proxy's certificate first and last, and where it failed."""

    first: datetime | None
    last: datetime | None
    failed: frozenset[str]


class Seen(NamedTuple):
    """What there is to judge.

    Attributes:
        counts: of the hosts at which somebody failed, back to PAST.
        hosts: how many had attempts of late.
        trust: by client, of those that failed there.
        passed: by host, what rules let through, the latest last.
        alterations: of the last MEMORY.
        decides: action and pattern of the rule that decides on a host now, None where none does.
        in_force: patterns of all rules that are.

    """

    counts: Sequence[Count]
    hosts: int
    trust: Mapping[str, Trust]
    passed: Mapping[str, Sequence[Passed]]
    alterations: Sequence[Alteration]
    decides: Callable[[str], tuple[str, str] | None]
    in_force: frozenset[str]
