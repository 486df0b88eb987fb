"""From many attempts to candidates: hosts that could be let through, and clients that must be mended.

Rules
-----
1. Only an attempt whose name the proxy itself found bound to the address says anything about a host, for or
   against. An unbound refusal makes no candidate, an unbound success clears none. Attempts of which nobody
   could tell, and those of versions that did not ask, say nothing either: what they once made candidates of
   stays for a person to decide.
2. A host is pinned when several clients refuse our certificate there, each of which trusts us elsewhere, and
   nobody with the same fingerprint succeeds there. One glitch, or one client, is no evidence: what one can say
   is bounded by attempt, host and day, and less than it takes. See clients.py for who is one.
3. A client, or one program of it, that refuses us on several unrelated domains and trusts us nowhere lacks our
   CA, or only probes. Nothing it does is evidence about a host.
4. A server that asks several clients for a certificate, or shares no version with us, cannot be decrypted: a
   candidate for a person. It is the server's own word, so it is never tried out.
5. A server whose own certificate is bad is no candidate at that address and port, until that gets old: letting
   it through would only hide it. What was seen at different ports is not added up.
6. Evidence gets old: it halves with every half-life.
7. `may_try`, which mode "auto" asks, looks at proven clients alone. Addresses that a device may have made up
   only bring a host before a person.

What one client can still do is keep a host off the list, by imitating a fingerprint and succeeding: then it is
inspected, and `why` says who. Where many more proven clients refuse (OUTVOTED), a person hears of it all the same.

Theory of operation
-------------------
Everything is a fold over attempts in their order, under options that are values: the same log under other
options shows what would have been decided (`tlsight bypass replay`). A refusal by alert weighs 1, a silent one
a half, a hang-up in mid-handshake a quarter, because networks do that too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

import msgspec

from addons.bypass.attempt import Attempt, AttemptClass, classify
from addons.bypass.bounded import placed, seated
from addons.bypass.clients import Client, client_of
from addons.bypass.evidence import MAX_ADDRESSES, MAX_DOMAINS, Evidence, Host, Mark, Seen
from addons.bypass.reasons import REASONS, Missing, Reason, Uncounted, Why
from addons.bypass.weighing import Counted, LearningOptions, Weighed, Weighing
from detector.chain.names import registrable_domain

CandidateClass = Literal["certificate-pinned", "upstream-mtls", "upstream-version"]
_WEIGHTS: dict[AttemptClass, float] = {"refused": 1.0, "refused-silently": 0.5, "hung-up": 0.25}
_UPSTREAM: dict[AttemptClass, CandidateClass] = {
    "upstream-mtls": "upstream-mtls",
    "upstream-version": "upstream-version",
}
_TEXTS: dict[str, str] = {
    "upstream-mtls": "The server asks for the client's own certificate.",
    "upstream-version": "Server and proxy share no version of TLS.",
}
_MAX_LEFT_OUT, _SHOWN = 2_000, 20


class Candidate(msgspec.Struct, frozen=True):
    """A host that could be let through, for a person to decide.

    Attributes:
        clients: those that count: users, addresses, networks of IPv6.
        ja4: the fingerprint that they share, where others succeed: the rule can be for it alone.
        proven: how many of the clients nobody can have made up.
        may_try: the proven ones alone are evidence enough for a trial.

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
    proven: int = 0
    may_try: bool = False


class LackingClient(msgspec.Struct, frozen=True):
    """A client that should get our CA, and the domains on which it failed.

    Attributes:
        silent: it never said why: it may only probe.

    """

    client: str
    hosts: tuple[str, ...]
    silent: bool = False


class Learned(msgspec.Struct, frozen=True):
    """What the attempts amount to.

    Attributes:
        invalid: hosts whose own certificates do not verify, of late.
        uncounted: attempts that were no evidence, the most frequent first.
        totals: their number, by reason.

    """

    candidates: tuple[Candidate, ...]
    lacking: tuple[LackingClient, ...]
    invalid: tuple[str, ...]
    uncounted: tuple[Uncounted, ...] = ()
    totals: dict[Reason, int] = {}


class _LeftOut:
    __slots__ = ("attempts", "clients")

    def __init__(self) -> None:
        self.attempts = 0
        self.clients: dict[str, None] = {}


class Learner:
    """Takes attempts one by one; `learned` says what they amount to at a time."""

    def __init__(self, options: LearningOptions | None = None) -> None:
        self.options = options or LearningOptions()
        self._evidence = Evidence()
        self._weighing = Weighing(self.options, self._evidence.clients)
        self._left_out: dict[tuple[str, Reason], _LeftOut] = {}
        self._totals: Counter[Reason] = Counter()

    def take(self, attempt: Attempt) -> AttemptClass:
        """One more attempt; what it is by itself."""
        kind = classify(attempt)
        client = client_of(attempt, self.options.devices)
        took = kind in ("trusted", "not-http")
        if took and attempt.side == "client":
            self._took(attempt, client)
        elif kind in _WEIGHTS:
            self._refused(attempt, client, _WEIGHTS[kind])
        elif kind in _UPSTREAM or kind == "upstream-certificate-invalid":
            self._failed(attempt, client, kind)
        return kind

    def learned(self, now: datetime) -> Learned:
        """Candidates with the weightiest first, clients that lack our CA, hosts that are broken."""
        hosts = self._evidence.hosts
        found = [one for name in hosts if (one := self.candidate(name, now)) is not None]
        found.sort(key=lambda one: (not one.may_try, -one.weight, one.host))
        invalid = tuple(name for name, host in hosts.items() if self._weighing.is_broken(host, now))
        left = sorted(self._left_out.items(), key=lambda one: -one[1].attempts)
        uncounted = (
            Uncounted(host, why, one.attempts, tuple(one.clients)) for (host, why), one in left
        )
        return Learned(
            tuple(found), tuple(self._lacking()), invalid, tuple(uncounted), dict(self._totals)
        )

    def candidate(self, name: str, now: datetime) -> Candidate | None:
        """What is known against inspecting one host, None for nothing or too little."""
        host = self._evidence.hosts.get(name)
        if host is None or not (host.refusals or host.upstream):
            return None
        return self._pinned(name, host, self._weighing.weighed(name, host, now)) or self._needs(
            name, host, now
        )

    def cleared(self, name: str, now: datetime) -> str | None:
        """What speaks against a host that was a candidate; None where evidence merely got old."""
        host = self._evidence.hosts.get(name)
        if host is None:
            return None
        weighed = self._weighing.weighed(name, host, now)
        if "invalid-certificate" in weighed.left:
            return "its own certificate does not verify"
        if host.fell_back or weighed.contested:
            return "the evidence is gone: a client of the same kind succeeded"
        return None

    def why(self, name: str, now: datetime) -> Why:
        """Why a host is a candidate or none, in numbers."""
        host = self._evidence.hosts.get(name)
        counted: dict[str, float] = {}
        missing: list[Missing] = []
        candidate = self.candidate(name, now)
        if host is not None:
            weighed = self._weighing.weighed(name, host, now)
            counted = weighed.shares(self.options.share(self.options.weight))
            if candidate is None and (host.refusals or host.fell_back):
                missing += self._too_little("refusals", counted, self.options.weight)
            for kind in {of for of, _ in host.upstream} if candidate is None else ():
                found = self._weighing.upstream(host, kind, now)
                shares = found.shares(self.options.share(self.options.upstream))
                missing += self._too_little(kind, shares, self.options.upstream)
            if host.fell_back:
                weighed.leave("falls-back", host.fell_back)
            for reason, names in weighed.left.items():
                text = f"{len(names)} clients: {REASONS[reason]}"
                missing.append(Missing(reason, text, tuple(names)[:_SHOWN]))
        for (of, reason), left in self._left_out.items():
            if of == name:
                text = f"{left.attempts} attempts: {REASONS[reason]}"
                missing.append(Missing(reason, text, tuple(left.clients)))
        shown = {client: round(weight, 2) for client, weight in counted.items()}
        return Why(name, candidate is not None, shown, tuple(missing))

    # What one attempt changes.

    def _took(self, attempt: Attempt, client: Client) -> None:
        seen = self._evidence.client(client, attempt.at, bound=attempt.bound is True)
        if seen is not None:
            seen.took = seen.program(attempt.ja4).took = True
            if attempt.bound is True and len(seen.trusts) < MAX_DOMAINS:
                seen.trusts.add(registrable_domain(attempt.host))
        host = self._host(attempt, client)
        if host is not None:
            host.took(client, attempt.ja4, attempt.at)

    def _refused(self, attempt: Attempt, client: Client, weight: float) -> None:
        seen = self._evidence.client(client, attempt.at, bound=attempt.bound is True)
        if seen is not None:
            program = seen.program(attempt.ja4)
            program.complained |= attempt.alert is not None
            if len(program.failed) < MAX_DOMAINS:
                program.failed.add(registrable_domain(attempt.host))
        host = self._host(attempt, client, seen)
        if host is None:
            return
        most = self.options.share(self.options.weight)
        own = sum(
            mark.weight * self._weighing.left(mark.last, attempt.at)
            for (other, _), mark in host.refusals.items()
            if other == client
        )
        before = host.refusals.get((client, attempt.ja4))
        kept = (
            0.0 if before is None else before.weight * self._weighing.left(before.last, attempt.at)
        )
        added = max(min(weight, most - own), 0.0)
        if added < weight / 2:
            self._leave_out(attempt, client, "same-client")
        mark = Mark(kept + added, attempt.at, attempt.address, attempt.port)
        host.refused(client, attempt.ja4, mark)

    def _failed(self, attempt: Attempt, client: Client, kind: AttemptClass) -> None:
        seen = self._evidence.client(client, attempt.at, bound=attempt.bound is True)
        host = self._host(attempt, client, seen)
        if host is None:
            return
        if kind == "upstream-certificate-invalid":
            where = (attempt.address or "", attempt.port)
            placed(host.invalid, where, attempt.at, MAX_ADDRESSES)
            return
        before = host.upstream.get((_UPSTREAM[kind], client))
        kept = (
            0.0 if before is None else before.weight * self._weighing.left(before.last, attempt.at)
        )
        weight = min(kept + 1.0, self.options.share(self.options.upstream))
        if weight - kept < 1 / 2:
            self._leave_out(attempt, client, "same-client")
        mark = Mark(weight, attempt.at, attempt.address, attempt.port)
        host.failed(_UPSTREAM[kind], client, mark)

    def _host(self, attempt: Attempt, client: Client, failing: Seen | None = None) -> Host | None:
        """The host that an attempt is evidence for; else why not is noted. `failing`: whose failure it is."""
        if attempt.bound is not True:
            self._leave_out(attempt, client, "unknown" if attempt.bound is None else "unbound")
            return None
        if failing is not None and not failing.may_say(attempt.host):
            self._leave_out(attempt, client, "over-quota")
            return None
        found = self._evidence.host(attempt.host, client, attempt.at)
        if found is None:
            self._leave_out(attempt, client, "over-quota")
        return found

    def _leave_out(self, attempt: Attempt, client: Client, reason: Reason) -> None:
        self._totals[reason] += 1
        key = (attempt.host, reason)
        found = self._left_out.get(key)
        if found is None:
            found = seated(self._left_out, key, _LeftOut(), _MAX_LEFT_OUT, lambda one: one.attempts)
        found.attempts += 1
        if len(found.clients) < _SHOWN:
            found.clients[client.name] = None

    # What all of them amount to.

    def _pinned(self, name: str, host: Host, weighed: Weighed) -> Candidate | None:
        options = self.options
        most = options.share(options.weight)
        # For a trial nobody gives more than his even part: one user and another's bad moment are not two.
        shares = weighed.certain().shares(options.weight / options.clients)
        may_try = self._enough(shares, options.weight)
        if not may_try:
            shares = weighed.shares(most)
            if not self._enough(shares, options.weight):
                return None
        counted = [one for one in weighed.marks if one[0].name in shares]
        contested = bool(weighed.contested & shares.keys())
        fingerprints = {ja4 for _, ja4, _, _ in counted}
        text = f"{len(shares)} clients that trust the proxy elsewhere refuse it here."
        shared = None
        if host.successes and len(fingerprints) == 1 and not contested:
            (shared,) = fingerprints
            text += " Other programs take it: a rule for this fingerprint is enough."
        if contested:
            text += " A few with the same fingerprint take it all the same."
        return Candidate(
            name, "certificate-pinned", round(sum(shares.values()), 2), tuple(sorted(shares)),
            host.first, host.last, text, counted[0][2].port, shared, _proven(counted), may_try,
        )  # fmt: skip

    def _needs(self, name: str, host: Host, now: datetime) -> Candidate | None:
        options = self.options
        for kind in _UPSTREAM.values():
            found = self._weighing.upstream(host, kind, now)
            shares = found.shares(options.share(options.upstream))
            if self._enough(shares, options.upstream):
                counted = [one for one in found.marks if one[0].name in shares]
                return Candidate(
                    name, kind, round(sum(shares.values()), 2), tuple(sorted(shares)), host.first,
                    host.last, _TEXTS[kind], counted[0][2].port, None, _proven(counted),
                )  # fmt: skip
        return None

    def _enough(self, shares: dict[str, float], weight: float) -> bool:
        total = round(sum(shares.values()), 9)  # three thirds are one
        return len(shares) >= self.options.clients and total >= weight

    def _too_little(self, what: str, counted: dict[str, float], need: float) -> Iterator[Missing]:
        least, total = self.options.clients, sum(counted.values())
        if len(counted) < least:
            text = f"{what}: {len(counted)} clients count, {least} are needed"
            yield Missing("few-clients", text, tuple(counted)[:_SHOWN])
        if total < need:
            yield Missing("little-weight", f"{what}: weight {total:.2f}, {need:g} is needed")

    def _lacking(self) -> Iterator[LackingClient]:
        for name, seen in self._evidence.clients.items():
            failed = seen.failed()
            if not seen.took and len(failed) >= self.options.lacks:
                yield LackingClient(name, tuple(sorted(failed))[:_SHOWN], not seen.complained())


def replay(attempts: Iterable[Attempt], options: LearningOptions, now: datetime | None) -> Learned:
    """What would have been learned, at the time of the last attempt when `now` is left out."""
    return replayed(attempts, options, now)[0]


def replayed(
    attempts: Iterable[Attempt], options: LearningOptions, now: datetime | None
) -> tuple[Learned, Learner, datetime | None]:
    """As `replay`, with what learned it and until when."""
    learner = Learner(options)
    last = now
    for attempt in attempts:
        learner.take(attempt)
        if now is None:
            last = attempt.at
    return (learner.learned(last) if last is not None else Learned((), (), ())), learner, last


def _proven(marks: list[Counted]) -> int:
    return len({client.name for client, *_ in marks if client.proven})
