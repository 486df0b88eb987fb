"""What an interceptor is graded by: one row a test, and what was seen when it was asked.

A `Visit` is one connection through the interceptor to a server that is bad on purpose; a `Standing` is what its own side
shows to a client. Both are saved as they were seen, so that a grade can be reckoned again elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, get_args

import msgspec

from detector.model.echoes import Echo, Meeting

GRADES_SCHEMA = "tlsight.grade/1"
SERVERS_SCHEMA = "tlsight.grade-servers/1"
# The label of the server that nothing is wrong with.
GOOD = "good"
# And of one more, where the good one shows a certificate of somebody else's CA: a good one under the servers' own root.
ROOTED = "rooted"

Letter = Literal["A", "B", "C", "D", "F"]
Group = Literal["certificates", "upstream-tls", "client-tls", "own-ca", "lost"]
Asking = Literal["visit", "hello", "client", "leaves", "compare"]
Need = Literal["nothing", "root"]
Outcome = Literal["passed", "failed", "passed-on", "not-asked", "unclear"]
Ended = Literal["answered", "page", "refused", "cut", "silence", "unreachable"]

LETTERS: tuple[Letter, ...] = get_args(Letter)
GROUPS: tuple[Group, ...] = get_args(Group)


class GradeTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question to an interceptor.

    Attributes:
        id: stable; also the first label of the bad server's name where `ask` is "visit".
        group: the heading under which it is told.
        ask: how it is asked: a visit to a server that is bad in this way, what the interceptor's own hello offers,
            handshakes with its side towards clients, the leaves it mints, or what arrives against what was sent.
        needs: "root" where a refusal says nothing unless the interceptor trusts the root of our servers.
        best: the best grade that can stand where it fails.
        question, bad: what is asked, and what is said where it fails.
        why: what an attacker gains.
        vendor: what who makes or runs it can do.
        sources: papers and standards that ask the same.

    """

    id: str
    group: Group
    ask: Asking
    best: Letter
    question: str
    bad: str
    why: str
    vendor: str
    sources: tuple[str, ...]
    needs: Need = "nothing"


class GradeTests:
    """All rows, in the order of telling."""

    def __init__(self, rows: Iterable[GradeTest]) -> None:
        self.rows = tuple(rows)
        self._by_id = {row.id: row for row in self.rows}

    def __getitem__(self, name: str) -> GradeTest:
        """Raises KeyError for an id that no row has."""
        return self._by_id[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_id

    def __iter__(self) -> Iterator[GradeTest]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def visits(self) -> tuple[GradeTest, ...]:
        """Those that need a server of their own."""
        return tuple(row for row in self.rows if row.ask == "visit")


class GradeServers(msgspec.Struct, frozen=True, kw_only=True):
    """What a client has to know of them, as a file: `tlsight grade --servers FILE`.

    Attributes:
        name: below which each server has its label.
        port: of all.
        key: by which echoes are signed (raw Ed25519, hex).
        root: PEM of the root that the interceptor has to trust for the tests that need it.
        leaves: label of each server that runs (a test's id, "good" or "rooted") to the SHA-256 of its leaf, in hex.
        address: to dial without a resolver; empty where names resolve.

    """

    schema: str
    name: str
    port: int
    key: str
    root: str
    leaves: dict[str, str]
    address: str = ""

    def host(self, label: str) -> str:
        """The server's name."""
        return f"{label}.{self.name}"


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One connection by the way of the interceptor to one of our servers.

    Attributes:
        server: a test's id, or "good" or "rooted" for a server that nothing is wrong with.
        host, port: as they were asked for.
        ended: "answered": our own server's signed answer came back; "page": somebody else's answer inside TLS;
            "refused": an alert, or a proxy's refusal; "cut": the connection ended; "silence": nothing within the time.
        chain: DER, leaf first, as the client was shown it.
        version, cipher, group, alpn: of the client's own handshake.
        status: of the answer, where HTTP came.
        why: the refusal in words, safe for a terminal.
        saw: our server's word of that connection, its signature verified.
        ms: from dialling to the end.

    """

    server: str
    host: str
    port: int
    ended: Ended
    chain: tuple[bytes, ...] = ()
    version: str | None = None
    cipher: str | None = None
    group: str | None = None
    alpn: str | None = None
    status: int | None = None
    why: str = ""
    saw: Echo | None = None
    ms: float = 0.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One test's outcome.

    Attributes:
        test: its id.
        outcome: "passed-on": the fault reaches the client, who can refuse it himself; "not-asked" and "unclear" count
            neither for nor against.
        seen: what decided, in words.

    """

    test: str
    outcome: Outcome
    seen: str = ""


class TowardsClients(msgspec.Struct, frozen=True, kw_only=True):
    """How its side towards clients takes hellos; None where that could not be told.

    Attributes:
        versions: those that it agrees to, as code points.
        families: weak families of suites that it agrees to.
        static_keys: it agrees on a key exchange without forward secrecy.
        version, group, alpn: what it chose when it was offered what browsers of today offer.
        dh_bits: of its Diffie-Hellman group, where it agrees on such suites.
        renegotiation: it confirms secure renegotiation in TLS 1.2.
        marks: its answer of TLS 1.2 bears the mark that TLS 1.3 was known too.
        fallback: it answers a hello that says it fell back from something better.
        compression: it chose a compression other than none.
        shared_session: a session of one name was resumed under another.
        early_change: it goes on after a ChangeCipherSpec before there are keys.
        renegotiates: it made a second handshake of TLS 1.2 on one connection because the client wanted one.

    """

    versions: tuple[int, ...] = ()
    families: tuple[str, ...] = ()
    static_keys: bool | None = None
    version: int | None = None
    group: int | None = None
    alpn: str | None = None
    dh_bits: int | None = None
    renegotiation: bool | None = None
    marks: bool | None = None
    fallback: bool | None = None
    compression: bool | None = None
    shared_session: bool | None = None
    early_change: bool | None = None
    renegotiates: bool | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """All that a grade is reckoned from; saved, it is judged again elsewhere.

    Attributes:
        schema: "tlsight.grade/1".
        at: when it began, aware UTC.
        route: the way that was gone, in words, without credentials.
        name: below which the servers were called.
        leaves: the servers' own leaves, as `GradeServers` has them.
        visits: in the order in which they were made; the good server more than once.
        met: how connections to the servers ended, whoever made them.
        towards: its side towards clients, None where it was not asked.
        others: gradings that asked the same servers meanwhile.

    """

    schema: str
    at: datetime
    route: str
    name: str
    leaves: dict[str, str]
    visits: tuple[Visit, ...]
    met: tuple[Meeting, ...] = ()
    towards: TowardsClients | None = None
    others: int = 0


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """What it comes to.

    Attributes:
        letter: the worst of what its failures allow; None where nobody stands in between, or too little could be asked.
        answers: one for each test, in the table's order.
        reasons: ids of the failed tests that decide the letter.
        why_none: why there is no letter.

    """

    letter: Letter | None
    answers: tuple[Answer, ...]
    reasons: tuple[str, ...] = ()
    why_none: str = ""

    @property
    def not_asked(self) -> int:
        """Tests that no answer was had to."""
        return sum(one.outcome in ("not-asked", "unclear") for one in self.answers)
