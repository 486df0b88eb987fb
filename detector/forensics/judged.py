"""Connections in, each with its verdict and causes out.

Theory of operation
-------------------
What connections share counts for all of them: one private issuer over two unrelated names makes both
intercepted. So a batch is examined as a whole before any of it is told. The same chain for the same name within
the same hour gets the same judgement, which is made once; when the sharing has grown since, it is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from detector.capture.connection import Connection
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.forensics.beside import Sent, SentBeside
from detector.forensics.blame import blame
from detector.forensics.browsers import Browsers, HelloOpinion
from detector.forensics.observed import observation
from detector.forensics.offers import is_trial
from detector.judging.judge import examine, judge_examined, unjudged
from detector.known.knowledge import Baseline, Knowledge
from detector.model.observation import Cause, Judgement, Observation, Target, VerdictName
from detector.model.recorded import Recorded
from detector.wire.registry import version_text

BATCH = 16384
_ROOM = 8192
_Key = tuple[tuple[bytes, ...], Sent, str | None, str, bool, int]


class JudgedConnection(Recorded, msgspec.Struct, frozen=True):
    """One connection with what it means.

    Attributes:
        judgement: over the certificates; None where none were seen.
        causes: why it failed, then what else is wrong.
        opinion: whether the hello is that of the browser it claims to be, None where nothing claims.
        blamed: why it failed; None where it did not, or where its end is not in the capture.

    """

    connection: Connection
    judgement: Judgement | None
    causes: tuple[Cause, ...]
    opinion: HelloOpinion | None = None
    blamed: Cause | None = None

    @property
    def verdict(self) -> VerdictName:
        return self.judgement.verdict if self.judgement is not None else "inconclusive"

    @property
    def failed(self) -> bool:
        return self.blamed is not None


class ConnectionJudge:
    """Judges connections, and keeps what each server's connections say together.

    Args:
        known: what certificates are compared with.
        browsers: how browsers' hellos look.
        agents: User-Agent by client address and port, or by address alone (port 0): of connections that
            came to something.
        batch: how many connections to look at together; 1 tells each at once.
        sharing: what earlier runs saw.
        baseline: how a host looked when it was last proven direct.

    """

    def __init__(
        self,
        known: Knowledge,
        browsers: Browsers,
        agents: Mapping[tuple[str, int], str] | None = None,
        default_agent: str | None = None,
        batch: int = BATCH,
        sharing: Sharing | None = None,
        baseline: Callable[[Target], Baseline | None] = lambda _: None,
    ) -> None:
        self._known = known
        self._browsers = browsers
        self._agents = agents or {}
        self._default_agent = default_agent
        self._batch = batch
        self._sharing = sharing if sharing is not None else Sharing()
        self._baseline = baseline
        self._examined: dict[_Key, Examination | None] = {}
        self._judged: dict[_Key, tuple[int, Judgement]] = {}
        self._generation = 0
        self._beside = SentBeside()

    def tell(self, connections: Iterable[Connection]) -> Iterator[JudgedConnection]:
        """Every connection, in order."""
        held: list[Connection] = []
        for connection in connections:
            held.append(connection)
            if len(held) >= self._batch:
                yield from self._told(held)
                held.clear()
        yield from self._told(held)

    def _told(self, held: list[Connection]) -> Iterator[JudgedConnection]:
        for connection in held:
            self._beside.note(connection)
        for connection in held:
            if connection.chain:
                self._examine(connection)
        for connection in held:
            yield self._one(connection)

    def _one(self, c: Connection) -> JudgedConnection:
        judgement = self._judge(c) if c.chain else None
        seen = judgement.causes if judgement is not None else ()
        found = None
        if not c.completed:
            found = blame(c, self._known.causes, lambda: seen)
            if found is not None and c.closed_by == "client" and is_trial(c):
                found = None
        causes = seen
        if found is not None:
            causes = (found, *(cause for cause in seen if cause.id != found.id))
        elif c.answer is not None and c.completed and c.answer.version < 0x0303:
            text = f"The connection uses {version_text(c.answer.version)}, which RFC 8996 forbids."
            causes = (*seen, self._known.causes.cause("obsolete-version", "warning", text))
        return JudgedConnection(c, judgement, causes, self._opinion(c), found)

    def judge(self, one: Observation) -> Judgement:
        """Who answers, by all that the connections so far share."""
        one = self._beside.added(one)
        seen = examine(one, self._known, self._baseline(one.target))
        return unjudged(one, self._known) if seen is None else judge_examined(seen, self._sharing)

    def _opinion(self, c: Connection) -> HelloOpinion | None:
        if c.hello is None or not c.hello.ja4:
            return None
        agent = c.preamble.agent if c.preamble is not None else None
        headers = c.preamble.headers if c.preamble is not None else ()
        if agent is None:
            agent = self._agents.get((c.client, c.client_port))
        if agent is None and c.completed:
            # Others behind that address, who came to no request, are not in the log.
            agent = self._agents.get((c.client, 0))
        return self._browsers.opinion(c.hello, agent or self._default_agent, headers)

    def _key(self, c: Connection) -> _Key:
        where = c.preamble.target or "" if c.preamble is not None else ""
        sent = self._beside.of(c.chain)
        return c.chain, sent, c.sni, where or c.server, c.completed, int(c.first) // 3600

    def _examine(self, c: Connection) -> None:
        key = self._key(c)
        if key in self._examined:
            return
        if len(self._examined) >= _ROOM:
            self._examined.clear()
            self._judged.clear()
        one = self._beside.added(observation(c))
        seen = self._examined[key] = examine(one, self._known, self._baseline(one.target))
        if seen is not None:
            self._sharing.note(seen)
            self._generation += 1

    def _judge(self, c: Connection) -> Judgement:
        key = self._key(c)
        kept = self._judged.get(key)
        if kept is not None and kept[0] == self._generation:
            return kept[1]
        if key not in self._examined:
            self._examine(c)
        seen = self._examined[key]
        made = (
            unjudged(observation(c), self._known)
            if seen is None
            else judge_examined(seen, self._sharing)
        )
        self._judged[key] = self._generation, made
        return made
