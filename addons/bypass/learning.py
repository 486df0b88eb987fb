"""From many attempts to candidates: hosts that could be let through, and clients that must be mended.

Rules
-----
1. A host is pinned when several clients refuse our certificate there, each of which trusts us elsewhere, and
   nobody with the same fingerprint succeeds there. One glitch, or one client, is no evidence.
2. A client that refuses us on several unrelated hosts and trusts us nowhere lacks our CA. Nothing it does is
   evidence about a host.
3. A server that asks for the client's certificate cannot be decrypted without it: a candidate, with the
   remedy client_certs beside the bypass.
4. A server whose own certificate is bad is never a candidate: letting it through would only hide it.
5. Evidence gets old: it halves with every half-life.

Theory of operation
-------------------
Everything is a fold over attempts in their order, under options that are values: the same log under other
options shows what would have been decided (`tlsight bypass replay`). A refusal by alert weighs 1, a silent one
a half, a hang-up in mid-handshake a quarter, because networks do that too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from addons.bypass.attempt import Attempt, AttemptClass, classify
from addons.bypass.bounded import placed
from detector.chain.names import registrable_domain

CandidateClass = Literal["certificate-pinned", "upstream-mtls", "upstream-version"]
_WEIGHTS: dict[AttemptClass, float] = {"refused": 1.0, "refused-silently": 0.5, "hung-up": 0.25}
_UPSTREAM: dict[AttemptClass, CandidateClass] = {
    "upstream-mtls": "upstream-mtls",
    "upstream-version": "upstream-version",
}
# Hosts and clients remembered at all, clients a host, hosts a client, upstream failures a host.
MAX_HOSTS, MAX_CLIENTS = 20_000, 20_000
MAX_CLIENTS_OF_HOST, MAX_HOSTS_OF_CLIENT, MAX_FAILURES = 500, 200, 50


class LearningOptions(msgspec.Struct, frozen=True):
    """When evidence is enough.

    Attributes:
        clients: distinct trusting clients that must refuse on a host.
        weight: of their refusals, together.
        trusts: hosts on which a client must have trusted us to count.
        lacks: unrelated hosts on which a client that trusts us nowhere must have failed to lack our CA.
        half_life: after which evidence weighs half.
        upstream: how often of late a server must have failed to be decrypted.

    """

    clients: int = 2
    weight: float = 3.0
    trusts: int = 1
    lacks: int = 3
    half_life: timedelta = timedelta(days=7)
    upstream: float = 1.5


class Candidate(msgspec.Struct, frozen=True):
    """A host that could be let through, for a person to decide.

    Attributes:
        clients: addresses of those that count.
        ja4: the fingerprint that they share, where others succeed: the rule can be for it alone.

    """

    host: str
    kind: CandidateClass
    weight: float
    clients: tuple[str, ...]
    first: datetime
    last: datetime
    text: str
    port: int = 443
    ja4: str | None = None


class LackingClient(msgspec.Struct, frozen=True):
    """A client that should get our CA, and the hosts on which it failed."""

    client: str
    hosts: tuple[str, ...]


class Learned(msgspec.Struct, frozen=True):
    """What the attempts amount to. `invalid` are hosts whose own certificates do not verify."""

    candidates: tuple[Candidate, ...]
    lacking: tuple[LackingClient, ...]
    invalid: tuple[str, ...]


class _Host:
    __slots__ = ("first", "last", "port", "refusals", "trusted_by", "upstream")

    def __init__(self, at: datetime) -> None:
        self.first = self.last = at
        self.port = 443
        # By client: weight as of `last`, the fingerprint, and when it refused last.
        self.refusals: dict[str, tuple[float, str | None, datetime]] = {}
        self.trusted_by: dict[str | None, datetime] = {}
        self.upstream: dict[CandidateClass, list[datetime]] = {}


class Learner:
    """Takes attempts one by one; `learned` says what they amount to at a time."""

    def __init__(self, options: LearningOptions | None = None) -> None:
        self.options = options or LearningOptions()
        self._hosts: dict[str, _Host] = {}
        self._trusts: dict[str, set[str]] = {}
        self._failed: dict[str, set[str]] = {}
        self._invalid: dict[str, None] = {}

    def take(self, attempt: Attempt) -> AttemptClass:
        """One more attempt; what it is by itself."""
        kind = classify(attempt)
        host = self._hosts.get(attempt.host)
        if host is None:
            host = placed(self._hosts, attempt.host, _Host(attempt.at), MAX_HOSTS)
        host.port = attempt.port
        if kind in ("trusted", "not-http"):
            self._known(self._trusts, attempt.client).add(registrable_domain(attempt.host))
            if attempt.side == "client":
                placed(host.trusted_by, attempt.ja4, attempt.at, MAX_CLIENTS_OF_HOST)
                host.refusals.pop(attempt.client, None)
        elif kind in _WEIGHTS:
            self._refused(host, attempt, _WEIGHTS[kind])
        elif kind in _UPSTREAM:
            times = host.upstream.setdefault(_UPSTREAM[kind], [])
            times.append(attempt.at)
            del times[:-MAX_FAILURES]
            host.last = attempt.at
        elif kind == "upstream-certificate-invalid":
            placed(self._invalid, attempt.host, None, MAX_HOSTS)
        return kind

    def learned(self, now: datetime) -> Learned:
        """Candidates with the weightiest first, clients that lack our CA, hosts that are broken."""
        lacking = tuple(self._lacking())
        found = [one for name in self._hosts if (one := self.candidate(name, now)) is not None]
        found.sort(key=lambda one: (-one.weight, one.host))
        return Learned(tuple(found), lacking, tuple(self._invalid))

    def candidate(self, name: str, now: datetime) -> Candidate | None:
        """What is known against inspecting one host, None for nothing or too little."""
        host = self._hosts.get(name)
        if host is None or name in self._invalid:
            return None
        return self._pinned(name, host, now) or self._needs(name, host, now)

    def _refused(self, host: _Host, attempt: Attempt, weight: float) -> None:
        self._known(self._failed, attempt.client).add(registrable_domain(attempt.host))
        before, _, when = host.refusals.get(attempt.client, (0.0, None, attempt.at))
        total = before * self._left(when, attempt.at) + weight
        refusal = (total, attempt.ja4, attempt.at)
        placed(host.refusals, attempt.client, refusal, MAX_CLIENTS_OF_HOST)
        host.last = attempt.at

    def _pinned(self, name: str, host: _Host, now: datetime) -> Candidate | None:
        options = self.options
        own = registrable_domain(name)
        counted: dict[str, float] = {}
        for client, (weight, fingerprint, when) in host.refusals.items():
            trusted = host.trusted_by.get(fingerprint)
            if self._lacks(client) or (trusted is not None and trusted >= when):
                continue
            elsewhere = self._trusts.get(client, set()) - {own}
            if len(elsewhere) >= options.trusts:
                counted[client] = weight * self._left(when, now)
        if any(f in host.trusted_by for _, f, _ in host.refusals.values() if f is not None):
            return None  # somebody with the same fingerprint succeeds
        total = sum(counted.values())
        if len(counted) < options.clients or total < options.weight:
            return None
        text = f"{len(counted)} clients that trust the proxy elsewhere refuse it here."
        fingerprints = {host.refusals[client][1] for client in counted}
        shared = None
        if host.trusted_by and len(fingerprints) == 1:
            (shared,) = fingerprints
            text += " Other programs take it: a rule for this fingerprint is enough."
        return Candidate(
            name, "certificate-pinned", round(total, 2), tuple(sorted(counted)), host.first,
            host.last, text, host.port, shared,
        )  # fmt: skip

    def _needs(self, name: str, host: _Host, now: datetime) -> Candidate | None:
        for kind, times in host.upstream.items():
            weight = sum(self._left(at, now) for at in times)
            if weight >= self.options.upstream:
                text = {
                    "upstream-mtls": "The server asks for the client's own certificate.",
                    "upstream-version": "Server and proxy share no version of TLS.",
                }.get(kind, "")
                return Candidate(
                    name, kind, round(weight, 2), (), host.first, host.last, text, host.port
                )
        return None

    def _lacking(self) -> Iterable[LackingClient]:
        for client, hosts in self._failed.items():
            if self._lacks(client):
                yield LackingClient(client, tuple(sorted(hosts))[:20])

    def _lacks(self, client: str) -> bool:
        return len(self._failed.get(client, ())) >= self.options.lacks and not self._trusts.get(
            client
        )

    def _left(self, since: datetime, now: datetime) -> float:
        age = max((now - since).total_seconds(), 0.0)
        return float(0.5 ** (age / self.options.half_life.total_seconds()))

    def _known(self, table: dict[str, set[str]], client: str) -> set[str]:
        found = table.get(client)
        if found is None:
            found = placed(table, client, set[str](), MAX_CLIENTS)
        if len(found) >= MAX_HOSTS_OF_CLIENT:
            found.pop()
        return found


def replay(attempts: Iterable[Attempt], options: LearningOptions, now: datetime | None) -> Learned:
    """What would have been learned, at the time of the last attempt when `now` is left out."""
    learner = Learner(options)
    last = now
    for attempt in attempts:
        learner.take(attempt)
        if now is None:
            last = attempt.at
    return learner.learned(last) if last is not None else Learned((), (), ())
