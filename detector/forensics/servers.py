"""What a capture tells of one server: a diagnosis over all its connections.

Theory of operation
-------------------
Clients try things: a browser that is refused comes back with another hello, a monitoring check offers TLS 1.2
alone, somebody runs `diagnose`. Every captured hello is a trial that somebody else made; which one of the plan
it stands for says `offers`. So the rules of `detector.causes` that compare trials work on captures, and the
result is the same diagnosis that a live one gives, as far as the traffic shows it.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from detector.capture.connection import Connection
from detector.forensics.observed import observation, trial
from detector.forensics.offers import offer_of
from detector.judging.diagnose import diagnose
from detector.known.knowledge import Knowledge
from detector.model.causes import CauseTable, Lines
from detector.model.inquiry import Application, Diagnosis, Inquiry, Trial
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
    """One server's connections, counted; the telling ones kept.

    Attributes:
        causes: failed connections by cause.
        clients: addresses, the first few thousand; `failed_clients` those that failed.

    """

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port
        self.connections = 0
        self.failed = 0
        self.causes: Counter[str] = Counter()
        self.clients: set[str] = set()
        self.failed_clients: dict[str, set[str]] = {}
        self.names: Counter[str | None] = Counter()
        self.first = self.last = 0.0
        self.best: Connection | None = None
        self.worst: tuple[Connection, Cause] | None = None
        self._trials: dict[tuple[str, str | None], Trial] = {}
        self._votes: dict[tuple[str, str | None], Counter[str]] = {}
        self._exact: set[tuple[str, str | None]] = set()
        self._resumptions: Counter[bool] = Counter()
        self._late: int | None = None
        self._showed = False

    def note(self, c: Connection, cause: Cause | None) -> None:
        """Count one connection."""
        self.connections += 1
        self.first = min(self.first or c.first, c.first)
        self.last = max(self.last, c.last)
        if len(self.clients) < _MAX_CLIENTS:
            self.clients.add(c.client)
        if c.hello is not None and (c.sni in self.names or len(self.names) < _MAX_NAMES):
            self.names[c.sni] += 1
        if cause is not None:
            self.failed += 1
            self.causes[cause.id] += 1
            who = self.failed_clients.setdefault(cause.id, set())
            if len(who) < _MAX_CLIENTS:
                who.add(c.client)
            if self.worst is None or _tells(c) > _tells(self.worst[0]):
                self.worst = c, cause
        elif c.answer is not None and (self.best is None or _tells(c) > _tells(self.best)):
            self.best = c
        self._try(c)

    def _try(self, c: Connection) -> None:
        name, exact = offer_of(c)
        late = c.fatal
        if late is not None and late.sender == "server" and c.answer is not None:
            if late.code is not None:
                self._late = late.code
            elif self._late is None:  # encrypted: most likely it wanted a certificate
                self._late = 116
            self._showed = self._showed or bool(c.client_certificate)
        if c.hello is not None and r.PRE_SHARED_KEY in c.hello.extensions:
            self._resumptions[c.answer is None] += 1
            return
        key = name, c.sni
        if not name or (key not in self._trials and len(self._trials) >= _MAX_TRIALS):
            return
        made = trial(c, name)
        if made is None or (key in self._exact and not exact):
            return
        if exact and key not in self._exact:
            self._exact.add(key)
            self._trials.pop(key, None)
            self._votes.pop(key, None)
        votes = self._votes.setdefault(key, Counter())
        votes[made.outcome] += 1
        kept = self._trials.get(key)
        better = kept is None or votes[made.outcome] >= votes[kept.outcome]
        if better and (
            kept is None or kept.outcome != made.outcome or (made.chain and not kept.chain)
        ):
            self._trials[key] = made

    @property
    def name(self) -> str | None:
        """The name that most clients asked for."""
        found = self.names.most_common(1)
        return found[0][0] if found else None

    def inquiry(self, causes: CauseTable) -> Inquiry:
        """What an inquiry into the server would have found."""
        main = self.name
        trials: dict[str, Trial] = {}
        for (name, sni), made in self._trials.items():
            if sni == main:
                called = name
            elif name not in ("plain", "no-alpn"):
                continue
            elif main is None:
                called = "with-sni"
            else:
                called = "no-sni" if sni is None else "other-sni"
            trials.setdefault(called, msgspec.structs.replace(made, offer=called))
        if "plain" not in trials and "no-alpn" in trials:  # nobody offers ALPN to this server
            trials["plain"] = msgspec.structs.replace(trials.pop("no-alpn"), offer="plain")
        resumption: Literal["failed"] | None = None
        if self._resumptions[True] and not self._resumptions[False]:
            resumption = "failed"
        return Inquiry(
            self._observation(trials, causes),
            trials,
            application=Application("alert", alert=self._late) if self._late is not None else None,
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
        if not chosen.chain and self.worst is not None and self.worst[0].chain:
            chosen = msgspec.structs.replace(chosen, chain=self.worst[0].chain)
        return observation(chosen, failure)

    def diagnosis(self, known: Knowledge, lines: Lines) -> Diagnosis | None:
        """None where no connection shows anything to judge."""
        if self.best is None and self.worst is None:
            return None
        return diagnose(self.inquiry(known.causes), known, lines)


class Servers:
    """All servers of a capture, at most MAX_SERVERS; later ones are counted in `left_out`."""

    def __init__(self) -> None:
        self.by_address: dict[tuple[str, int], Server] = {}
        self.left_out = 0

    def note(self, c: Connection, cause: Cause | None) -> None:
        key = c.server, c.server_port
        found = self.by_address.get(key)
        if found is None:
            if len(self.by_address) >= MAX_SERVERS:
                self.left_out += 1
                return
            found = self.by_address[key] = Server(*key)
        found.note(c, cause)


def _tells(c: Connection) -> tuple[bool, bool, bool, bool]:
    """More is better: a name, certificates, a whole handshake, and a hello that is not a probe's."""
    return c.sni is not None, bool(c.chain), c.completed, c.fatal is not None
