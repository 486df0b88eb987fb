"""What a whole capture amounts to: connections counted, each server diagnosed, log and packets as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from detector.capture.tally import Tally
from detector.forensics.groups import KINDS, Kind, groups_of
from detector.forensics.joining import Joined, Joiner
from detector.forensics.judged import ConnectionJudge, JudgedConnection
from detector.forensics.outcomes import VERDICTS, Unseen
from detector.forensics.selection import Selection
from detector.forensics.servers import Server, Servers
from detector.judging.diagnose import conclude
from detector.known.knowledge import Knowledge
from detector.logs.event import Event
from detector.model.causes import Lines
from detector.model.inquiry import Diagnosis
from detector.model.observation import Judgement, VerdictName
from detector.model.recorded import Recorded
from detector.model.timeline import Timeline

_MAX_KEYS = 10_000
_MAX_DIAGNOSES = 500
_MAX_ADDRESSES = 1000
_MAX_ALL_CLIENTS = 1 << 16


class ServerDiagnosis(msgspec.Struct, frozen=True):
    """One server; `diagnosis` is None where no connection shows anything to judge."""

    server: Server
    diagnosis: Diagnosis | None

    @property
    def verdict(self) -> VerdictName:
        """The worse one of what any connection has, and of what all of them say together."""
        made = self.server.outcomes.verdict
        together = self.diagnosis.judgement.verdict if self.diagnosis is not None else made
        return min(made, together, key=VERDICTS.index)

    @property
    def judgement(self) -> Judgement | None:
        """Where the verdict comes from; None where no certificates were seen."""
        together = self.diagnosis.judgement if self.diagnosis is not None else None
        single = self.server.outcomes.judged.get(self.verdict)
        if together is not None and together.verdict == self.verdict != "inconclusive":
            return together
        return single

    @property
    def unseen(self) -> Unseen | None:
        """Why most of its connections show no certificates; None where none is without."""
        found = self.server.outcomes.unseen.most_common(1)
        return found[0][0] if found else None

    @property
    def broken(self) -> bool:
        return self.diagnosis is not None and not self.diagnosis.healthy


class Counts:
    """Connections by something: name, JA4, cause; `clients` and `servers` are addresses, the first thousand."""

    def __init__(self) -> None:
        self.connections: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.causes: dict[str, Counter[str]] = {}
        self.clients: dict[str, set[str]] = {}
        self.servers: dict[str, set[str]] = {}

    def add(self, key: str, one: JudgedConnection) -> None:
        if key not in self.connections and len(self.connections) >= _MAX_KEYS:
            key = "others"
        self.connections[key] += 1
        c = one.connection
        for seen, address in ((self.clients, c.client), (self.servers, c.server)):
            who = seen.setdefault(key, set())
            if len(who) < _MAX_ADDRESSES:
                who.add(address)
        if one.blamed is not None:
            self.failed[key] += 1
            self.causes.setdefault(key, Counter())[one.blamed.id] += 1


class CaptureStory(Recorded):
    """Grows with every connection; the servers are diagnosed when they are asked for.

    Args:
        known, lines: what judges know, and the lines of configurations that mend causes.
        judge: who judged the connections.
        tally: what was read.
        events: failures of logs of the same time.
        summary: count by name, JA4, cause and the other kinds of `groups` too.
        selection: which connections count.

    Attributes:
        seen: all connections; what follows is of those that are wanted.
        connections, failed, intercepted: counts; `failed` are those that are blamed on something.
        verdicts, causes, hellos: counts by who answers, why they failed, what the hello says of its sender.
        clients: their addresses, the first 65,536.
        first, last: seconds since 1970 of their first and last packet, 0.0 for none.
        timeline: connections that were intercepted, and the others that failed by their cause.
        by: counts by the kinds of `groups`.
        joiner: the log's lines and their connections.

    """

    def __init__(
        self,
        known: Knowledge,
        lines: Lines,
        judge: ConnectionJudge,
        tally: Tally,
        events: Iterable[Event] = (),
        *,
        summary: bool = False,
        selection: Selection | None = None,
    ) -> None:
        self.seen = self.connections = self.failed = self.intercepted = 0
        self.first = self.last = 0.0
        self.timeline = Timeline()
        self.verdicts: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        self.hellos: Counter[str] = Counter()
        self.clients: set[str] = set()
        self.by: dict[Kind, Counts] = {kind: Counts() for kind in KINDS} if summary else {}
        self.joiner = Joiner(events)
        self.tally = tally
        self.selection = selection or Selection()
        self._whose = self.selection.whose
        self._everything = self.selection.is_everything
        self._known = known
        self._lines = lines
        self._judge = judge
        self._rows = Servers()
        self._servers: tuple[ServerDiagnosis, ...] | None = None

    def add(self, one: JudgedConnection) -> tuple[bool, Joined | None]:
        """Take one connection; says whether it is wanted, and gives the log's line that belongs to it."""
        self.seen += 1
        wanted = self._everything or self.selection.keeps(one)
        if wanted or self._whose.keeps(one):
            self._rows.note(one, wanted=wanted)
        if not wanted:
            return False, None
        self._count(one)
        return True, self.joiner.join(one) if self.joiner.count else None

    def _count(self, one: JudgedConnection) -> None:
        c = one.connection
        self.connections += 1
        self._servers = None
        self.first = min(self.first or c.first, c.first)
        self.last = max(self.last, c.last)
        self.verdicts[one.verdict] += 1
        self.intercepted += one.verdict == "intercepted"
        if len(self.clients) < _MAX_ALL_CLIENTS:
            self.clients.add(c.client)
        if one.opinion is not None:
            self.hellos[one.opinion.interception] += 1
        if one.blamed is not None:
            self.failed += 1
            self.causes[one.blamed.id] += 1
        if one.verdict == "intercepted":
            self.timeline.add(c.first, "tls-intercepted")
        elif one.blamed is not None:
            self.timeline.add(c.first, one.blamed.id)
        if self.by:
            for kind, key in groups_of(one):
                self.by[kind].add(key, one)

    @property
    def servers(self) -> tuple[ServerDiagnosis, ...]:
        """Each server with what all its connections say together, the worst first."""
        if self._servers is None:
            rows = self._rows.inquired()[:_MAX_DIAGNOSES]
            self._servers = tuple(
                ServerDiagnosis(server, self._diagnosis(server, others)) for server, others in rows
            )
        return self._servers

    @property
    def further(self) -> int:
        """Servers beyond those that are diagnosed."""
        return max(0, len(self._rows) - _MAX_DIAGNOSES)

    @property
    def broken(self) -> tuple[ServerDiagnosis, ...]:
        """Servers that a client of today refuses, or that somebody stands before."""
        return tuple(one for one in self.servers if one.broken)

    @property
    def agreed(self) -> int:
        """Logged failures for which the packets have the same cause."""
        return sum(one.agree for one in self.joiner.joined)

    @property
    def left_out(self) -> int:
        """Connections of servers beyond those that are kept apart."""
        return self._rows.left_out

    def _diagnosis(self, server: Server, others: tuple[Server, ...]) -> Diagnosis | None:
        if not server.shows_something:
            return None
        inquiry = server.inquiry(self._known.causes, others)
        judgement = self._judge.judge(inquiry.observation)
        return conclude(inquiry, judgement, self._known, self._lines)
