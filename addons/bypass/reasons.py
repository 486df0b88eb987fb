"""Why an attempt, or a client, is no evidence for a host, in words with their numbers."""

from __future__ import annotations

from typing import Literal

import msgspec

Reason = Literal[
    "unbound",
    "unknown",
    "over-quota",
    "same-client",
    "other-port",
    "invalid-certificate",
    "lacks-ca",
    "program-lacks-ca",
    "only-probes",
    "trusts-nowhere",
    "succeeds",
    "falls-back",
    "few-clients",
    "little-weight",
]
REASONS: dict[Reason, str] = {
    "unbound": "went to an address that is not the host's: the name was the client's word alone",
    "unknown": "nobody could tell whether the address is the host's (versions before did not ask)",
    "over-quota": "beyond what one client can say in a day",
    "same-client": "beyond what one client can say about one host",
    "other-port": "failed at another port than most",
    "invalid-certificate": "the host's own certificate did not verify at that address",
    "lacks-ca": "refuses everywhere and trusts nowhere: it lacks the proxy's CA",
    "program-lacks-ca": "a program that refuses everywhere: it has a trust store of its own",
    "only-probes": "hangs up everywhere without a word: it probes, or lacks the proxy's CA",
    "trusts-nowhere": "never trusted the proxy on another domain",
    "succeeds": "the same program, by its fingerprint, takes the proxy's certificate here",
    "falls-back": "refused, and the same program came again and took it: nothing is broken",
    "few-clients": "fewer clients than it takes",
    "little-weight": "less weight than it takes",
}


class Uncounted(msgspec.Struct, frozen=True):
    """Attempts of one host that were no evidence, for one reason.

    Attributes:
        clients: some of those that made them.

    """

    host: str
    reason: Reason
    attempts: int
    clients: tuple[str, ...]


class Missing(msgspec.Struct, frozen=True):
    """One thing that keeps a host from being a candidate.

    Attributes:
        clients: some of those that it is about.
        text: with the numbers.

    """

    reason: Reason
    text: str
    clients: tuple[str, ...] = ()


class Why(msgspec.Struct, frozen=True):
    """What is known of one host.

    Attributes:
        candidate: it is one.
        counted: clients whose failures count, and their weight.
        missing: why it is none, or why clients do not count; nothing where nothing failed.

    """

    host: str
    candidate: bool
    counted: dict[str, float]
    missing: tuple[Missing, ...]
