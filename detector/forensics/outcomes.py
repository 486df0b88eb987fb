"""How far connections came, who cut them and who answers: the connections of one server, counted by kind.

What one line says of a server, and what its object says, is asked here; so text and JSON cannot differ.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from detector.capture.connection import ClosedBy, Connection
from detector.forensics.browsers import HelloOpinion
from detector.forensics.judged import JudgedConnection
from detector.model.observation import Judgement, VerdictName
from detector.wire.registry import hides_certificates

# Why nobody saw who answers.
Unseen = Literal["hidden", "draft", "resumed", "not-sent", "too-early", "missing"]
UNSEEN: dict[Unseen, str] = {
    "hidden": "TLS 1.3 hides its certificates; a key log opens them (--keylog).",
    "draft": "A draft of TLS 1.3 hides its certificates; key logs of drafts are not read.",
    "resumed": "An earlier session was resumed, without certificates.",
    "not-sent": "No certificate was sent: a resumed session, a key shared before, or an anonymous suite.",
    "too-early": "It ended before a certificate came.",
    "missing": "The server's certificates are not in the capture.",
}
Stage = Literal["syn", "tcp", "preamble", "client-hello", "server-hello", "certificate", "finished"]
# The verdict that a line shows is the first of these that any of its connections has.
VERDICTS: tuple[VerdictName, ...] = (
    "intercepted",
    "suspect",
    "private",
    "consistent",
    "direct",
    "inconclusive",
)
_MAX_ENDINGS = 24
_TLS13 = (0x0304, 0xFEFC)
_GAPS = ("it began before", "bytes of the server", "only the client's")


def stage(c: Connection) -> Stage:
    """The last step that was seen to be taken, by whomever."""
    if c.completed:
        return "finished"
    if c.chain or (c.answer is not None and c.reached == "data"):
        return "certificate"
    if c.answer is not None or (c.hello is not None and c.reached == "hello"):
        return "server-hello"
    if c.hello is not None:
        return "client-hello"
    if c.preamble is not None or c.sent or c.received:
        return "preamble"
    return "tcp" if c.opened == "syn-ack" else "syn"


def unseen(c: Connection) -> Unseen | None:
    """Why no certificates of the server were seen; None where some were."""
    if c.chain:
        return None
    answer = c.answer
    if c.resumed and c.completed:
        return "resumed"
    went_on = c.completed or c.reached == "data"
    if answer is not None and went_on and hides_certificates(answer.version):
        return "hidden" if _has_key_log(answer.version) else "draft"
    if any(note.startswith(_GAPS) for note in c.notes):
        return "missing"
    return "not-sent" if c.completed else "too-early"


def _has_key_log(version: int) -> bool:
    """Since its 25th draft TLS 1.3 encrypts as it does now."""
    return version in _TLS13 or 0x7F19 <= version <= 0x7F1C


class Ending(msgspec.Struct, frozen=True):
    """One way in which connections failed.

    Attributes:
        cause: its id.
        stage: the last step that was taken.
        closed_by, how: who ended it, None where no end was seen, and by what.
        alert: the fatal alert's number, -1 where it is encrypted; None where none came.

    """

    cause: str
    stage: Stage
    closed_by: ClosedBy | None
    how: Literal["fin", "rst", "open"]
    alert: int | None


class Failures(msgspec.Struct):
    """Connections that failed in one way: how many, and the first of them.

    Attributes:
        first, last: seconds since 1970 of the first packet of the earliest and of the latest.
        number, source: the earliest one's place in its file, and that file's among those that were read.
        client: its address.
        text: why, a sentence.

    """

    count: int
    first: float
    last: float
    number: int
    source: int
    client: str
    text: str


class Outcomes:
    """The connections of one server by how they ended.

    Attributes:
        endings: failed connections by the way; ways beyond the first two dozen count in `further`.
        verdicts: all connections by who answers; `judged` has the first judgement of each.
        unseen: connections without certificates by why.
        protocols: "tls", "quic", "dtls", or the name of what asked for STARTTLS.
        outer: connections whose name is known to stand for an encrypted one (ECH).
        hellos: connections by what their hello says of the sender; `odd` is the first that is not its browser's.

    """

    def __init__(self) -> None:
        self.endings: dict[Ending, Failures] = {}
        self.further = 0
        self.verdicts: Counter[str] = Counter()
        self.judged: dict[VerdictName, Judgement] = {}
        self.unseen: Counter[Unseen] = Counter()
        self.stages: Counter[str] = Counter()
        self.protocols: Counter[str] = Counter()
        self.outer = 0
        self.hellos: Counter[str] = Counter()
        self.odd: tuple[int, HelloOpinion] | None = None

    def add(self, one: JudgedConnection) -> None:
        """Count one connection."""
        c = one.connection
        verdict = one.verdict
        self.verdicts[verdict] += 1
        if one.judgement is None:
            why = unseen(c)
            if why is not None:
                self.unseen[why] += 1
        elif verdict not in self.judged:
            self.judged[verdict] = one.judgement
        self.stages[stage(c)] += 1
        self.outer += c.ech == "outer"
        before = c.preamble
        self.protocols[(before.protocol if before is not None else None) or c.protocol] += 1
        if one.opinion is not None:
            self._greeted(c.number, one.opinion)
        if one.blamed is not None:
            self._failed(c, one.blamed.id, one.blamed.text)

    def _greeted(self, number: int, opinion: HelloOpinion) -> None:
        self.hellos[opinion.interception] += 1
        if opinion.interception == "likely" and self.odd is None:
            self.odd = number, opinion

    def _failed(self, c: Connection, cause: str, text: str) -> None:
        ending = ending_of(c, cause)
        found = self.endings.get(ending)
        if found is not None:
            found.count += 1
            found.last = max(found.last, c.first)
            if c.first < found.first:
                found.first, found.number, found.source = c.first, c.number, c.source
                found.client, found.text = c.client, text
        elif len(self.endings) < _MAX_ENDINGS:
            self.endings[ending] = Failures(1, c.first, c.first, c.number, c.source, c.client, text)
        else:
            self.further += 1

    def absorb(self, other: Outcomes) -> None:
        """Count another server's connections as this one's."""
        for ending, theirs in other.endings.items():
            ours = self.endings.get(ending)
            if ours is None:
                self.endings[ending] = msgspec.structs.replace(theirs)
                continue
            earlier = min(ours, theirs, key=lambda one: one.first)
            self.endings[ending] = msgspec.structs.replace(
                earlier, count=ours.count + theirs.count, last=max(ours.last, theirs.last)
            )
        self.further += other.further
        self.verdicts.update(other.verdicts)
        self.judged = {**other.judged, **self.judged}
        self.unseen.update(other.unseen)
        self.stages.update(other.stages)
        self.protocols.update(other.protocols)
        self.outer += other.outer
        self.hellos.update(other.hellos)
        self.odd = self.odd or other.odd

    def copy(self) -> Outcomes:
        """The same counts, to be added to."""
        made = Outcomes()
        made.absorb(self)
        return made

    @property
    def most(self) -> list[tuple[Ending, Failures]]:
        """The ways in which connections failed, the most frequent first, then the earliest."""
        return sorted(self.endings.items(), key=lambda pair: (-pair[1].count, pair[1].first))

    @property
    def verdict(self) -> VerdictName:
        """The worst one that any connection has."""
        return next((name for name in VERDICTS if self.verdicts[name]), "inconclusive")


def ending_of(c: Connection, cause: str) -> Ending:
    """The way in which one connection failed."""
    fatal = c.fatal
    alert = None if fatal is None else -1 if fatal.code is None else fatal.code
    return Ending(cause, stage(c), c.closed_by, c.how, alert)


def reason_of(judgement: Judgement | None, why: Unseen | None) -> str | None:
    """What decided a verdict, in a sentence; why there is none where no certificates were seen."""
    if judgement is None:
        return UNSEEN[why] if why is not None else None
    telling = (e for e in judgement.evidence if e.points != "neutral")
    first = next(telling, judgement.evidence[0] if judgement.evidence else None)
    said = first.text if first is not None else judgement.summary
    # What leaves the verdict open belongs to it; what a clean one rests on is for those who ask.
    open_ = judgement.explanation if judgement.verdict in ("suspect", "private") else ""
    return f"{said} {open_}".rstrip()
