"""What a capture tells of one server: a diagnosis over all its connections.

Theory of operation
-------------------
Clients try things: a browser that is refused comes back with another hello, a monitoring check offers TLS 1.2
alone, somebody runs `diagnose`. Every captured hello is a trial that somebody else made; which one of the plan
it stands for says `offers`. So the rules of `detector.causes` that compare trials work on captures, and the
result is the same diagnosis that a live one gives, as far as the traffic shows it.

A server is an address, a port, and the name that was asked for there: of a proxy the tunnel's target, else SNI.
Behind one address live many sites, and behind a proxy all of them. Connections that name nobody belong to the
only site there is, or, where there are several, to none of them. What other names at the same address met serves
as the trial with another name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from copy import copy
from typing import Literal

import msgspec

from detector.capture.connection import Connection
from detector.causes.plan import OTHER_NAME
from detector.forensics.judged import JudgedConnection
from detector.forensics.observed import observation, trial
from detector.forensics.offers import offer_of
from detector.forensics.outcomes import Outcomes
from detector.model.causes import CauseTable
from detector.model.inquiry import Application, Inquiry, Trial
from detector.model.observation import Cause, Failure, Observation
from detector.wire import registry as r

# Ports on which TLS starts at once (IANA), and the usual second choices.
TLS_PORTS = frozenset(
    (
        443,
        465,
        563,
        636,
        853,
        989,
        990,
        992,
        993,
        994,
        995,
        5061,
        5671,
        6514,
        6697,
        8443,
        8883,
        9443,
    )
)
MAX_SERVERS = 4096
_MAX_TRIALS = 96
_MAX_CLIENTS = 4096
_MAX_NAMES = 64


class Server:
    """One server's connections: those that are wanted counted, the telling ones of all kept.

    Attributes:
        name: the name that was asked for, None where nobody named one.
        hides_names: the name stands for others that the hellos hide (ECH).
        via: the tunnel's target where the address is a proxy's, as host:port.
        causes: failed connections by cause.
        trials: by the plan's offer and the name in the hello.
        sni: the name in the hellos of its own trials.
        clients: addresses, the first few thousand; `failed_clients` those that failed.
        outcomes: how they ended and who answered.

    """

    def __init__(self, address: str, port: int, name: str | None, via: str | None) -> None:
        self.address = address
        self.port = port
        self.name = name
        self.hides_names = False
        self.via = via
        self.connections = 0
        self.failed = 0
        self.causes: Counter[str] = Counter()
        self.clients: set[str] = set()
        self.failed_clients: dict[str, set[str]] = {}
        self.first = self.last = 0.0
        self.outcomes = Outcomes()
        self.best: Connection | None = None
        self._best_tells = (False, False, False, False)
        self.worst: tuple[Connection, Cause] | None = None
        self.trials: dict[tuple[str, str | None], Trial] = {}
        self._votes: dict[tuple[str, str | None], Counter[str]] = {}
        self._exact: set[tuple[str, str | None]] = set()
        self._resumptions: Counter[bool] = Counter()
        self._late: Application | None = None
        self._showed = False

    def count(self, one: JudgedConnection) -> None:
        """Count one connection."""
        c, cause = one.connection, one.blamed
        self.connections += 1
        self.first = min(self.first or c.first, c.first)
        self.last = max(self.last, c.last)
        if len(self.clients) < _MAX_CLIENTS:
            self.clients.add(c.client)
        if cause is not None:
            self.failed += 1
            self.causes[cause.id] += 1
            who = self.failed_clients.setdefault(cause.id, set())
            if len(who) < _MAX_CLIENTS:
                who.add(c.client)
        self.outcomes.add(one)

    def note(self, c: Connection, cause: Cause | None) -> None:
        """Keep what one connection, wanted or not, tells of the server."""
        self.hides_names = self.hides_names or c.ech == "outer"
        if cause is not None:
            if self.worst is None or _tells(c) > _tells(self.worst[0]):
                self.worst = c, cause
        elif c.answer is not None:
            tells = _tells(c)
            if self.best is None or tells > self._best_tells:
                self.best, self._best_tells = c, tells
        self._try(c)

    def _try(self, c: Connection) -> None:
        name, exact = offer_of(c)
        late = c.fatal
        if late is not None and late.sender == "server" and c.answer is not None:
            if late.code is not None:
                self._late = Application("alert", alert=late.code)
            elif self._late is None:
                self._late = Application("alert")  # encrypted: which one cannot be told
            self._showed = self._showed or bool(c.client_certificate)
        if c.hello is not None and r.PRE_SHARED_KEY in c.hello.extensions:
            self._resumptions[c.answer is None] += 1
            return
        key = name, c.sni
        if not name or (key not in self.trials and len(self.trials) >= _MAX_TRIALS):
            return
        made = trial(c, name)
        if made is None or (key in self._exact and not exact):
            return
        if exact and key not in self._exact:
            self._exact.add(key)
            self.trials.pop(key, None)
            self._votes.pop(key, None)
        votes = self._votes.get(key)
        if votes is None:
            votes = self._votes[key] = Counter()
        votes[made.outcome] += 1
        kept = self.trials.get(key)
        better = kept is None or votes[made.outcome] >= votes[kept.outcome]
        if better and (
            kept is None or kept.outcome != made.outcome or (made.chain and not kept.chain)
        ):
            self.trials[key] = made

    def absorb(self, other: Server) -> None:
        """Count another row's connections as this one's; its trials stay its own."""
        self.connections += other.connections
        self.failed += other.failed
        self.causes.update(other.causes)
        self.clients |= other.clients
        for cause, who in other.failed_clients.items():
            self.failed_clients.setdefault(cause, set()).update(who)
        self.first = min(self.first or other.first, other.first or self.first)
        self.last = max(self.last, other.last)
        self.outcomes.absorb(other.outcomes)
        self.best = self.best or other.best
        self.worst = self.worst or other.worst

    def inquiry(self, causes: CauseTable, others: Iterable[Server] = ()) -> Inquiry:
        """What an inquiry into the server would have found.

        Args:
            causes: what is known of causes.
            others: rows of the same address.

        """
        trials: dict[str, Trial] = {}
        for (name, sni), made in self.trials.items():
            if sni == self.sni:
                trials.setdefault(name, made)
        for (name, sni), made in _elsewhere(self, others):
            if name in ("plain", "no-alpn"):
                called = "with-sni" if self.sni is None else "other-sni" if sni else "no-sni"
                trials.setdefault(called, msgspec.structs.replace(made, offer=called))
        if "plain" not in trials and "no-alpn" in trials:  # nobody offers ALPN to this server
            trials["plain"] = msgspec.structs.replace(trials.pop("no-alpn"), offer="plain")
        resumption: Literal["failed"] | None = None
        if self._resumptions[True] and not self._resumptions[False]:
            resumption = "failed"
        return Inquiry(
            self._observation(trials, causes),
            trials,
            application=self._late,
            resumption=resumption,
            client_certificate=self._showed,
        )

    def _observation(self, trials: dict[str, Trial], causes: CauseTable) -> Observation:
        modern = [t for n, t in trials.items() if n in ("plain", "browser", "no-alpn")]
        fails = self.worst is not None and (
            self.best is None or (bool(modern) and not any(t.answered for t in modern))
        )
        chosen = (
            self.worst[0] if self.worst is not None and (fails or self.best is None) else self.best
        )
        assert chosen is not None
        failure = None
        if self.worst is not None and chosen is self.worst[0]:
            cause = self.worst[1]
            step = causes.dialling_step(cause.id)
            failure = Failure(step, cause.id, cause.text.rstrip("."))
        if not chosen.chain:  # another client may have been shown the certificates
            shown = self.worst[0] if self.worst is not None else chosen
            if not shown.chain and self.best is not None and self.best.completed:
                shown = self.best
            chosen = msgspec.structs.replace(
                chosen, chain=shown.chain, ocsp=shown.ocsp, scts=shown.scts,
                asked_for=shown.asked_for,
            )  # fmt: skip
        return observation(chosen, failure)

    @property
    def sni(self) -> str | None:
        names = [sni for _, sni in self.trials]
        return self.name if self.name in names or not names else names[0]

    @property
    def shows_something(self) -> bool:
        return self.best is not None or self.worst is not None


class Servers:
    """All servers of a capture, at most MAX_SERVERS; connections of later ones are counted in `left_out`."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int, str | None], dict[str | None, Server]] = {}
        self._count = 0
        self.left_out = 0

    def note(self, one: JudgedConnection, *, wanted: bool = True) -> None:
        """Take one connection; those that are not wanted only tell of the server, and are not counted."""
        c = one.connection
        asked = c.preamble.target if c.preamble is not None else None
        where = c.server, c.server_port, asked
        place = self._rows.get(where, {})
        name = _name_of(c)
        if name not in place and len(place) >= _MAX_NAMES:
            name = None
        row = place.get(name)
        if row is None:
            if self._count >= MAX_SERVERS:
                self.left_out += wanted
                return
            self._count += 1
            row = place[name] = Server(c.server, c.server_port, name, asked)
            self._rows[where] = place
        row.note(c, one.blamed)
        if wanted:
            row.count(one)

    def __len__(self) -> int:
        return len(self.inquired())

    def inquired(self) -> list[tuple[Server, tuple[Server, ...]]]:
        """Each server of which a connection is wanted, with the other rows of its address, the worst first."""
        found: list[tuple[Server, tuple[Server, ...]]] = []
        for place in self._rows.values():
            named = [row for name, row in place.items() if name is not None]
            nameless = place.get(None)
            if nameless is not None and len(named) == 1:
                whole = copy(named[0])
                whole.causes, whole.clients = Counter(whole.causes), set(whole.clients)
                whole.failed_clients = {k: set(v) for k, v in whole.failed_clients.items()}
                whole.outcomes = whole.outcomes.copy()
                whole.absorb(nameless)
                found.append((whole, (nameless,)))
                continue
            rows = tuple(place.values())
            found += [(row, tuple(r for r in rows if r is not row)) for row in rows]
        return sorted((pair for pair in found if pair[0].connections), key=_worst_first)


def _worst_first(pair: tuple[Server, tuple[Server, ...]]) -> tuple[int, int, int, float]:
    """Intercepted, then failed, then odd hellos, then suspect ones; the busiest of equals first."""
    server = pair[0]
    told = server.outcomes
    if told.verdict == "intercepted":
        rank = 0
    elif server.failed:
        rank = 1
    elif told.hellos["likely"]:
        rank = 2
    else:
        rank = 3 if told.verdict == "suspect" else 4
    return rank, -server.failed, -server.connections, server.first


def _name_of(c: Connection) -> str | None:
    """The name that was asked for; one of our own trials with another name asks for none."""
    asked = c.preamble.target if c.preamble is not None else None
    if asked is not None:
        return asked.rpartition(":")[0].strip("[]") or asked
    return c.sni if c.sni != OTHER_NAME else None


def _elsewhere(
    server: Server, others: Iterable[Server]
) -> Iterator[tuple[tuple[str, str | None], Trial]]:
    """Trials at the same address with another name, or none."""
    for row in (server, *others):
        for key, made in row.trials.items():
            if key[1] != server.sni:
                yield key, made


def _tells(c: Connection) -> tuple[bool, bool, bool, bool]:
    """More is better: a name, certificates, a whole handshake, and a hello that is not a probe's."""
    return c.sni is not None, bool(c.chain), c.completed, c.fatal is not None
