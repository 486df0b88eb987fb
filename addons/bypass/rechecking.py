"""Is a rule still needed? Everything that is known of it, held against a table.

Rules
-----
1. Use is what passed lately without our own probes. What nothing passes by nobody needs; but a rule that was just
   made waits for its first connection, and where no traffic was seen at all nothing is known.
2. A probe stands for the clients of a rule only where the rule does not tell it from them. It can take no JA4, and a
   rule for a network is tried from inside that network alone. Of such rules only use, and what the server answers
   anybody, can tell.
3. Whether an app still pins its keys nobody can see from here: its use says that it still goes there, and clients
   that were inspected there in spite of the rule say how they took it. So "needed" is never proof, and says why.
4. What made a server impossible to decrypt (it asks for the client's certificate, it speaks no version of today) the
   server itself still does, or does no more.
5. One machine's network is not the world: what clients pass to is not gone because nobody gets there from here, and
   where nothing at all was reached that says nothing about any rule.

Theory of operation
-------------------
`TABLE` is read from the top; the first row that holds decides. Each row is a reason; its text and the evidence are
made from the same case, and so is the record that the store keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Literal, get_args

import msgspec

from addons.bypass.learning import CandidateClass
from addons.bypass.lint import UNUSED_DAYS
from addons.bypass.proof import Proof
from addons.bypass.proof import Reason as ProofReason
from addons.bypass.reach import has_ended
from addons.bypass.rule import Rule

State = Literal["needed", "no-longer-needed", "now-breaks", "cannot-tell", "ended"]
Reason = Literal[
    "ended", "not-in-force",
    "ineffective", "blocked", "gone",
    "proxy-trouble",
    "no-traffic", "young", "unused",
    "asks-for-certificate", "old-version", "mended",
    "refused", "taken", "used",
]  # fmt: skip
Answer = Literal["completed", "asks", "old", "not-tls", "silent", "unasked"]
Schema = Literal["tlsight.bypass-recheck/1"]
SCHEMA: Schema = "tlsight.bypass-recheck/1"
# Clients that took our certificate at a host before its rule is called superfluous.
ENOUGH = 2
_LATELY = timedelta(days=2)
_A_MOMENT = timedelta(microseconds=1)
_PROXY: frozenset[ProofReason] = frozenset(("proxy-trouble", "proxy-login"))
_BLOCKED: frozenset[ProofReason] = frozenset(("blocked", "no-handshake"))


class Use(msgspec.Struct, frozen=True):
    """What passed by a rule in UNUSED_DAYS days, without re-checks.

    Attributes:
        size: bytes, both ways.
        last: the last day on which anybody came, as far as days are kept.

    """

    connections: int = 0
    size: int = 0
    last: date | None = None


class Inspected(msgspec.Struct, frozen=True):
    """Clients that were inspected at the rule's hosts after it was made, and that trust the proxy elsewhere.

    Attributes:
        refused: how many of them did not take the proxy's certificate.
        taken: how many did.

    """

    refused: int = 0
    taken: int = 0


class Server(msgspec.Struct, frozen=True):
    """What a server answers whoever asks it past the proxy.

    Attributes:
        answer: "asks" for the client's certificate, speaks only what is "old", is "silent" or gone; "unasked" where a
            proxy on the way there failed.
        thorough: everything was tried, so that "completed" says that it does not ask, and speaks a version of today.
        text: one line.

    """

    host: str
    port: int
    answer: Answer
    text: str
    version: str | None = None
    thorough: bool = False


class Case(msgspec.Struct, frozen=True):
    """What the table asks about.

    Attributes:
        idle: why the rule is not in force although it has not ended.
        seen: whether any traffic was seen lately, by any rule or none.
        offline: nobody at all was reached in this run.
        proofs: what the rule's hosts show through the proxy; none where a probe cannot stand for its clients.

    """

    rule: Rule
    now: datetime
    use: Use = Use()
    inspected: Inspected = Inspected()
    idle: str | None = None
    seen: bool = True
    offline: bool = False
    servers: tuple[Server, ...] = ()
    proofs: tuple[Proof, ...] = ()

    @property
    def kind(self) -> CandidateClass | None:
        """What it was approved for, None where a person made it."""
        said = self.rule.evidence.partition(":")[0]
        return next((one for one in get_args(CandidateClass) if one == said), None)

    @property
    def bad(self) -> Proof | None:
        """A host that is decrypted in spite of the rule."""
        return next((one for one in self.proofs if one.state == "decrypted"), None)

    @property
    def blocked(self) -> Proof | None:
        """A host that answers past the proxy, and not through it."""
        return next((one for one in self.proofs if one.reason in _BLOCKED), None)

    @property
    def troubled(self) -> Proof | None:
        """A host that was not asked, because the proxy could not be used."""
        return next((one for one in self.proofs if one.reason in _PROXY), None)

    @property
    def unreached(self) -> str | None:
        """Why none of its hosts was reached by any way; None where one was, or nobody was asked."""
        told = [one.text for one in self.proofs if one.reason == "unreachable"]
        told += [one.text for one in self.servers if one.answer == "silent"]
        asked = len(self.proofs) + len(self.servers)
        return told[0] if asked and len(told) == asked else None

    @property
    def days_old(self) -> int:
        """Of a rule without a day, as long as it takes."""
        made = self.rule.created
        return (self.now.date() - made).days if made is not None else UNUSED_DAYS

    @property
    def mended(self) -> Server | None:
        """A server that does no more what the rule is for."""
        sure = self.servers and all(s.answer == "completed" and s.thorough for s in self.servers)
        return self.servers[0] if sure and (self.kind or "").startswith("upstream-") else None

    def answering(self, answer: Answer) -> Server | None:
        return next((one for one in self.servers if one.answer == answer), None)


class Rechecked(msgspec.Struct, frozen=True, omit_defaults=False):
    """One rule's answer, what the store keeps, and the JSON contract of `bypass recheck`; fields may be added.

    Attributes:
        schema: fixed.
        since: when it was first found in this state.
        evidence: what was seen, a line each.
        probes: when connections of ours passed by the rule: they are no use of it.

    """

    schema: Schema
    pattern: str
    state: State
    reason: Reason
    text: str
    at: datetime
    since: datetime
    evidence: tuple[str, ...] = ()
    use: Use = Use()
    inspected: Inspected = Inspected()
    servers: tuple[Server, ...] = ()
    probes: tuple[datetime, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """A reason, what follows from it, when it holds, and how it is told."""

    reason: Reason
    state: State
    holds: Callable[[Case], object]
    text: Callable[[Case], str]


def _is_idle(case: Case) -> bool:
    return case.use.connections <= 0


TABLE: tuple[Row, ...] = (
    Row(
        "ended",
        "ended",
        lambda c: has_ended(c.rule, c.now),
        lambda c: f"ended on {c.rule.until}: remove it, or renew it",
    ),
    Row(
        "not-in-force",
        "now-breaks",
        lambda c: c.idle,
        lambda c: f"it is not in force: {c.idle}",
    ),
    Row(
        "ineffective",
        "now-breaks",
        lambda c: c.bad,
        lambda c: (
            f"{_said(c.bad)}: the proxy does not have this rule, or is not the only one"
        ),
    ),
    Row(
        "blocked",
        "now-breaks",
        lambda c: c.blocked,
        lambda c: _said(c.blocked),
    ),
    Row(
        "gone",
        "now-breaks",
        lambda c: c.unreached and not c.offline and not _just_used(c),
        lambda c: f"nobody answers any more; {c.unreached}",
    ),
    Row(
        "proxy-trouble",
        "cannot-tell",
        lambda c: c.troubled,
        lambda c: _said(c.troubled),
    ),
    Row(
        "no-traffic",
        "cannot-tell",
        lambda c: _is_idle(c) and not c.seen,
        lambda _: f"no proxy has told this store of any traffic in {UNUSED_DAYS} days",
    ),
    Row(
        "young",
        "cannot-tell",
        lambda c: _is_idle(c) and c.days_old < UNUSED_DAYS,
        lambda c: f"nothing passed by it yet, and it was made on {c.rule.created}",
    ),
    Row(
        "unused",
        "no-longer-needed",
        _is_idle,
        lambda c: (
            f"nothing passed by it in {UNUSED_DAYS} days, {_last(c.use)}: let it end"
        ),
    ),
    Row(
        "asks-for-certificate",
        "needed",
        lambda c: c.answering("asks"),
        lambda c: f"the server wants the client's own certificate; {_used(c)}",
    ),
    Row(
        "old-version",
        "needed",
        lambda c: c.answering("old"),
        lambda c: f"the server speaks nothing that a proxy of today speaks; {_used(c)}",
    ),
    Row(
        "mended",
        "no-longer-needed",
        lambda c: c.mended,
        lambda c: (
            "what it was made for is gone: the server makes a handshake with "
            f"{c.servers[0].version or 'TLS'} and wants no certificate; inspect it again"
        ),
    ),
    Row(
        "refused",
        "needed",
        lambda c: c.inspected.refused,
        lambda c: (
            f"{_clients(c.inspected.refused)} that trust{'s' if c.inspected.refused == 1 else ''} the proxy elsewhere"
            f" did not take its certificate here; {_used(c)}"
        ),
    ),
    Row(
        "taken",
        "no-longer-needed",
        lambda c: c.inspected.taken >= ENOUGH,
        lambda c: (
            f"{_clients(c.inspected.taken)} took the proxy's certificate here since it was made, and none refused"
        ),
    ),
    Row(
        "used",
        "needed",
        lambda _: True,
        lambda c: f"{_used(c)}; whether its clients would be inspected by now cannot be seen from here",
    ),
)  # fmt: skip


def recheck(case: Case, before: Rechecked | None, probes: tuple[datetime, ...] = ()) -> Rechecked:
    """What is known of one rule by now. Pure: the same case gives the same answer.

    Args:
        case: everything that was found.
        before: the last answer.
        probes: moments of connections that this run passed by the rule, and of earlier ones.

    """
    row = next(row for row in TABLE if row.holds(case))
    since = before.since if before is not None and before.state == row.state else None
    # What is found for the first time has one time for both: times are whole seconds, and two looks may lie within one.
    at = case.now if case.now != since else case.now + _A_MOMENT
    return Rechecked(
        schema=SCHEMA,
        pattern=case.rule.pattern,
        state=row.state,
        reason=row.reason,
        text=row.text(case),
        at=at,
        since=since or case.now,
        evidence=tuple(_evidence(case)),
        use=case.use,
        inspected=case.inspected,
        servers=case.servers,
        probes=probes,
    )


def _evidence(case: Case) -> list[str]:
    lines = [_used(case)]
    lines += [one.text for one in case.servers]
    lines += [f"{one.host}:{one.port} through the proxy: {one.text}" for one in case.proofs]
    counted = case.inspected
    if counted.refused or counted.taken:
        lines.append(
            f"inspected there in spite of it: {_clients(counted.refused)} refused, {_clients(counted.taken)} did not"
        )
    if case.rule.evidence:
        lines.append(f"approved for {case.rule.evidence}")
    if case.rule.ja4 is not None:
        lines.append("no probe can take the JA4 that it is for")
    elif case.rule.client is not None and not case.proofs:
        lines.append(f"no probe was made from {case.rule.client}, which it is for")
    return lines


def _used(case: Case) -> str:
    use = case.use
    if use.connections <= 0:
        return f"no connection in {UNUSED_DAYS} days, {_last(use)}"
    return f"{use.connections:,} connections in {UNUSED_DAYS} days, {use.size:,} bytes, last on {use.last}"


def _last(use: Use) -> str:
    return f"last on {use.last}" if use.last is not None else "and nothing before"


def _just_used(case: Case) -> bool:
    last = case.use.last
    return last is not None and case.now.date() - last <= _LATELY


def _clients(number: int) -> str:
    return f"{number} client{'' if number == 1 else 's'}"


def _said(proof: Proof | None) -> str:
    return f"{proof.host}: {proof.text}" if proof is not None else ""
