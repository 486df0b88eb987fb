"""What a host's failures weigh as of now: which count, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from addons.bypass.clients import Client, Network, largest
from addons.bypass.evidence import Host, Mark, Print, Seen
from addons.bypass.reasons import Reason
from detector.chain.names import registrable_domain

# So many times as many proven clients must refuse as succeed with the same fingerprint.
OUTVOTED = 4


class LearningOptions(msgspec.Struct, frozen=True):
    """When evidence is enough.

    Attributes:
        clients: distinct clients that must fail on a host.
        weight: of their refusals, together.
        trusts: domains on which a client must have trusted us to count.
        lacks: unrelated domains on which a client that trusts us nowhere must have failed to lack our CA; a
            program of a client that does trust us, twice as many.
        half_life: after which evidence weighs half.
        upstream: the weight of a server's failures, one each, that makes it a candidate.
        devices: networks in which an address is one device, on the administrator's word.

    """

    clients: int = 2
    weight: float = 3.0
    trusts: int = 1
    lacks: int = 3
    half_life: timedelta = timedelta(days=7)
    upstream: float = 1.5
    devices: tuple[Network, ...] = ()

    def share(self, weight: float) -> float:
        """What one client can give of a weight: all of it only where one is enough."""
        return max(1.0, 2 * weight / (self.clients + 1))


# A client's failures with one fingerprint, and what they weigh as of now.
Counted = tuple[Client, Print, Mark, float]


class Weighed:
    """A host's failures: what counts, and what does not.

    Attributes:
        contested: clients whose fingerprint succeeds here with others.
        left: why the others do not count, and who they are; for "succeeds", who succeeded.

    """

    def __init__(self, marks: Iterable[Counted] = ()) -> None:
        self.marks = list(marks)
        self.contested: set[str] = set()
        self.left: dict[Reason, dict[str, None]] = {}

    def leave(self, reason: Reason, names: Iterable[str]) -> None:
        self.left.setdefault(reason, {}).update(dict.fromkeys(names))

    def settle_on_a_port(self) -> None:
        """Keep what failed at the port of the most clients, the proven ones first."""
        by_port: dict[int, set[Client]] = {}
        for client, _, mark, _ in self.marks:
            by_port.setdefault(mark.port, set()).add(client)
        if len(by_port) < 2:
            return
        port = max(
            by_port, key=lambda one: (sum(c.proven for c in by_port[one]), len(by_port[one]), -one)
        )
        self.leave("other-port", (c.name for c, _, mark, _ in self.marks if mark.port != port))
        self.marks = [one for one in self.marks if one[2].port == port]

    def certain(self) -> Weighed:
        """What proven clients say that nobody contradicts."""
        return Weighed(m for m in self.marks if m[0].proven and m[0].name not in self.contested)

    def shares(self, most: float) -> dict[str, float]:
        """By client, the one person once, and nobody more than his share.

        Another gateway is one voice, whatever it tells of its clients: one of them stands for all, and for a
        person that no other voice stands for.
        """
        found: dict[Client, float] = {}
        counted = largest(client for client, *_ in self.marks)
        for client, _, _, weight in self.marks:
            if client.name in counted:
                found[client] = min(found.get(client, 0.0) + weight, most)
        shares = {one.name: weight for one, weight in found.items() if one.via is None}
        for speaker, told in _spokesmen(found).items():
            shares[speaker.name] = min(sum(found[one] for one in told), most)
        return shares


class Weighing:
    """Under options, with what is known of the clients."""

    def __init__(self, options: LearningOptions, clients: Mapping[str, Seen]) -> None:
        self.options = options
        self._clients = clients

    def weighed(self, name: str, host: Host, now: datetime) -> Weighed:
        """A host's refusals: those that count, and why the others do not."""
        found = Weighed()
        own = registrable_domain(name)
        for (client, ja4), mark in host.refusals.items():
            reason = self._disqualified(client, ja4, own)
            if reason is None and self._is_broken_at(host, mark, now):
                reason = "invalid-certificate"
            takers = self._takers(host, ja4, now)
            if reason is None and takers:
                found.contested.add(client.name)
                refusing = {c for c, print_ in host.refusals if print_ == ja4 and c.proven}
                if len(largest(refusing)) < OUTVOTED * len(takers):
                    reason = "succeeds"
            if reason is not None:
                found.leave(reason, takers if reason == "succeeds" else (client.name,))
                continue
            weight = mark.weight * self.left(mark.last, now)
            found.marks.append((client, ja4, mark, weight))
        found.settle_on_a_port()
        return found

    def _disqualified(self, client: Client, ja4: Print, own: str) -> Reason | None:
        """Why nothing that a client, or one of its programs, refuses is evidence about a host."""
        seen = self._clients.get(client.name)
        if seen is None:
            return "trusts-nowhere"
        if not seen.took and len(seen.failed()) >= self.options.lacks:
            return "lacks-ca" if seen.complained() else "only-probes"
        program = seen.programs.get(ja4)
        if program is not None and not program.took:
            if len(program.failed) >= self.options.lacks and not program.complained:
                return "only-probes"
            if len(program.failed) >= 2 * self.options.lacks:
                return "program-lacks-ca"
        return None if len(seen.trusts - {own}) >= self.options.trusts else "trusts-nowhere"

    def upstream(self, host: Host, kind: str, now: datetime) -> Weighed:
        """Failures of one kind of the host itself."""
        found = Weighed(
            (client, None, mark, mark.weight * self.left(mark.last, now))
            for (of, client), mark in host.upstream.items()
            if of == kind and not self._is_broken_at(host, mark, now)
        )
        found.settle_on_a_port()
        return found

    def _takers(self, host: Host, ja4: Print, now: datetime) -> list[str]:
        """Clients with the same fingerprint that succeeded, in the last two half-lives."""
        if ja4 is None:
            return []
        by = host.successes.get(ja4, {})
        return [client for client, at in by.items() if now - at <= 2 * self.options.half_life]

    def is_broken(self, host: Host, now: datetime) -> bool:
        """The host's certificate did not verify somewhere, within a half-life."""
        return any(now - at <= self.options.half_life for at in host.invalid.values())

    def _is_broken_at(self, host: Host, mark: Mark, now: datetime) -> bool:
        """As above, where a client failed; where its address is not known, at any of the port."""
        return any(
            port == mark.port
            and (mark.address is None or address in (mark.address, ""))
            and now - at <= self.options.half_life
            for (address, port), at in host.invalid.items()
        )

    def left(self, since: datetime, now: datetime) -> float:
        age = max((now - since).total_seconds(), 0.0)
        return float(0.5 ** (age / self.options.half_life.total_seconds()))


def _spokesmen(clients: Iterable[Client]) -> dict[Client, list[Client]]:
    """One client for each other gateway, so that as many gateways as can be have a person of their own; with each
    the gateway's clients that count with it.

    A device that goes by two gateways is one person, and gives only one of them a voice: this is a matching between
    gateways and persons, found by augmenting paths.
    """
    own, told = set[str](), dict[str, dict[str, Client]]()
    for one in clients:
        if one.via is None:
            own.add(one.person)
        else:
            told.setdefault(one.via, {})[one.person] = one
    by: dict[str, str] = {}  # person -> gateway

    def seat(gateway: str, tried: set[str]) -> bool:
        for person in sorted(told[gateway].keys() - own - tried):
            tried.add(person)
            if person not in by or seat(by[person], tried):
                by[person] = gateway
                return True
        return False

    for gateway in sorted(told):
        seat(gateway, set())
    return {
        told[gateway][person]: [
            one
            for name, one in told[gateway].items()
            if by.get(name, gateway) == gateway and name not in own
        ]
        for person, gateway in by.items()
    }
