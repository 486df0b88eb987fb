"""What a whole capture amounts to: connections counted, each server diagnosed, log and packets as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from detector.capture.tally import Tally
from detector.forensics.joining import Joined, Joiner
from detector.forensics.judged import ConnectionJudge, JudgedConnection
from detector.forensics.servers import Server
from detector.judging.diagnose import conclude
from detector.known.knowledge import Knowledge
from detector.logs.event import Event
from detector.model.causes import Lines
from detector.model.inquiry import Diagnosis
from detector.model.recorded import Recorded
from detector.model.timeline import Timeline

_MAX_KEYS = 10_000
_MAX_DIAGNOSES = 500
_MAX_CLIENTS = 1000


class ServerDiagnosis(msgspec.Struct, frozen=True):
    """One server; `diagnosis` is None where no connection shows anything to judge."""

    server: Server
    diagnosis: Diagnosis | None

    @property
    def verdict(self) -> str:
        return self.diagnosis.judgement.verdict if self.diagnosis is not None else "inconclusive"

    @property
    def broken(self) -> bool:
        return self.diagnosis is not None and not self.diagnosis.healthy


class Counts:
    """Connections by something: name, JA4, cause."""

    def __init__(self) -> None:
        self.connections: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.causes: dict[str, Counter[str]] = {}
        self.clients: dict[str, set[str]] = {}

    def add(self, key: str, one: JudgedConnection) -> None:
        if key not in self.connections and len(self.connections) >= _MAX_KEYS:
            key = "others"
        self.connections[key] += 1
        who = self.clients.setdefault(key, set())
        if len(who) < _MAX_CLIENTS:
            who.add(one.connection.client)
        if one.failed:
            self.failed[key] += 1
            self.causes.setdefault(key, Counter())[one.causes[0].id] += 1


class CaptureStory(Recorded):
    """Grows with every connection; the servers are diagnosed when they are asked for.

    Args:
        known, lines: what judges know, and the lines of configurations that mend causes.
        judge: who judged the connections.
        tally: what was read.
        events: failures of logs of the same time.
        summary: count by name, JA4 and cause too.

    Attributes:
        connections, failed, intercepted: counts; `failed` are those that are blamed on something.
        timeline: failed connections by cause.
        by: counts by name, JA4 and cause.
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
    ) -> None:
        self.connections = self.failed = self.intercepted = 0
        self.timeline = Timeline()
        self.verdicts: Counter[str] = Counter()
        kinds = ("sni", "ja4", "cause") if summary else ()
        self.by: dict[str, Counts] = {kind: Counts() for kind in kinds}
        self.joiner = Joiner(events)
        self.tally = tally
        self._known = known
        self._lines = lines
        self._judge = judge
        self._servers: tuple[ServerDiagnosis, ...] | None = None

    def add(self, one: JudgedConnection) -> Joined | None:
        """Count one connection; gives the log's line that belongs to it."""
        self.connections += 1
        self._servers = None
        self.verdicts[one.verdict] += 1
        self.intercepted += one.verdict == "intercepted"
        if one.failed:
            self.failed += 1
            self.timeline.add(one.connection.first, one.causes[0].id)
        if self.by:
            self._count(one)
        return self.joiner.join(one) if self.joiner.count else None

    def _count(self, one: JudgedConnection) -> None:
        c = one.connection
        self.by["sni"].add(c.sni or "(none)", one)
        if c.hello is not None:
            self.by["ja4"].add(c.hello.ja4, one)
        self.by["cause"].add(one.causes[0].id if one.failed else "(none)", one)

    @property
    def servers(self) -> tuple[ServerDiagnosis, ...]:
        """Each server with what all its connections say together, the worst first."""
        if self._servers is None:
            rows = self._judge.servers.inquired()[:_MAX_DIAGNOSES]
            self._servers = tuple(
                ServerDiagnosis(server, self._diagnosis(server, others)) for server, others in rows
            )
        return self._servers

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
        return self._judge.servers.left_out

    def _diagnosis(self, server: Server, others: tuple[Server, ...]) -> Diagnosis | None:
        if not server.shows_something:
            return None
        inquiry = server.inquiry(self._known.causes, others)
        judgement = self._judge.judge(inquiry.observation)
        return conclude(inquiry, judgement, self._known, self._lines)
