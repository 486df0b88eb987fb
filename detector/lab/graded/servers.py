"""All the servers by which an interceptor is graded, behind one port, told apart by name.

The server of the test `expired` is called expired.NAME, the good one good.NAME. Whoever asks one of them for
/.well-known/tlsight-echo?nonce=N is told, signed, what was seen of his connection; with &met=1, also how the last
connections to every server ended: so a client behind an interceptor that refuses everything learns what it said. A grading
gives its own mark with each question (&run=M), and says which is the last (&last=1); it is told how many others there were.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector import clock
from detector.echo.sealed import sealed
from detector.errors import ConfigError
from detector.knowledge.grade_tests import grade_tests
from detector.lab.graded.certificates import Mint
from detector.lab.graded.moods import MOODS, well
from detector.lab.pki import Credential, LabPki
from detector.model.echoes import ECHO_PATH, MAX_NONCE, Echo, Meeting
from detector.model.grades import GOOD, ROOTED, SERVERS_SCHEMA, GradeServers
from detector.serving.conversation import Reply, Request, asked
from detector.serving.front import Arrival, Entrance, Limits, by_name, front
from detector.serving.speaker import Speaking

# Of each server's last connections, this many are remembered; a whole grade asks each a few times.
_REMEMBERED = 4
_MAX_FLIGHT = 4096
# Gradings that are known; and how long one may last that never says that it is over.
_MOST_RUNS = 64
_A_RUN = timedelta(seconds=90)


@dataclass(frozen=True)
class Place:
    """Where they are served: `name` below which they are called, `host` and `port` to listen at."""

    name: str
    host: str = "127.0.0.1"
    port: int = 0


@asynccontextmanager
async def grade_servers(
    pki: LabPki,
    place: Place,
    say: Callable[[str], None],
    now: Callable[[], datetime] = clock.now,
    own: Credential | None = None,
) -> AsyncGenerator[GradeServers]:
    """Serve them until left. Raises ConfigError.

    Args:
        pki: the world whose root an interceptor has to trust.
        place: where.
        say: is told which are left out, and why.
        now: the clock.
        own: shown by servers whose certificate is not what is wrong with them, for every name below the place's.

    """
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    entrances: dict[str, Entrance] = {}
    leaves: dict[str, str] = {}
    for label, credential, speaking in _servers(pki, place.name, say, own):
        entrances[label] = Entrance(label, speaking)
        leaves[label] = sha256(credential.der).hexdigest()
    memory = _Memory(now)
    answers = _Answers(memory, public, key.sign, now)
    named = {f"{label}.{place.name}": one for label, one in entrances.items()}
    async with front(
        place.host, place.port, by_name(named), answers.answer, Limits(most_of_one=256), memory.tell
    ) as port:
        yield GradeServers(
            schema=SERVERS_SCHEMA, name=place.name, port=port, key=public, root=pki.root.pem,
            leaves=leaves, address=place.host,
        )  # fmt: skip


def _servers(
    pki: LabPki, name: str, say: Callable[[str], None], own: Credential | None
) -> Iterator[tuple[str, Credential, Speaking]]:
    mint = Mint(pki)
    good = own or mint.good(f"{GOOD}.{name}")
    yield GOOD, good, well(good)
    if own is not None:
        rooted = mint.good(f"{ROOTED}.{name}")
        yield ROOTED, rooted, well(rooted)
    for test in grade_tests().visits:
        host = f"{test.id}.{name}"
        try:
            make = mint.bad.get(test.id)
            credential = make(host) if make is not None else own or mint.good(host)
            yield test.id, credential, MOODS.get(test.id, well)(credential)
        except ConfigError as error:
            say(f"{test.id} is not served: {error}")


class _Memory:
    """How the last connections to each server ended."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._met: dict[str, deque[Meeting]] = {}

    def tell(self, arrival: Arrival, how: str) -> None:
        if not arrival.label:
            return
        meeting = Meeting(
            server=arrival.label, at=self._now(), flight=arrival.flight[:_MAX_FLIGHT],
            ended=how[:80], peer=arrival.peer,
        )  # fmt: skip
        self._met.setdefault(arrival.label, deque(maxlen=_REMEMBERED)).append(meeting)

    @property
    def all(self) -> tuple[Meeting, ...]:
        return tuple(one for met in self._met.values() for one in met)


@dataclass
class _Run:
    """A grading: the turns of its first and its last question among all, when it began, and whether it is over."""

    first: int
    last: int
    at: datetime
    over: bool = False


class _Runs:
    """Which gradings asked of late: two at once cannot tell whose connections the servers met."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._turn = now, 0
        self._known: dict[str, _Run] = {}

    def seen(self, mark: str, *, last: bool) -> None:
        self._turn += 1
        found = self._known.pop(mark, None) or _Run(self._turn, self._turn, self._now())
        found.last, found.over = self._turn, found.over or last
        self._known[mark] = found
        while len(self._known) > _MOST_RUNS:
            del self._known[next(iter(self._known))]

    def beside(self, mark: str) -> int:
        """Others that asked since this one began, or that are not over: behind who refuses all, one asks twice alone."""
        own, now = self._known[mark], self._now()
        return sum(
            one.last > own.first or not (one.over or now - one.at > _A_RUN)
            for other, one in self._known.items()
            if other != mark
        )


class _Answers:
    def __init__(
        self,
        memory: _Memory,
        key: str,
        sign: Callable[[bytes], bytes],
        now: Callable[[], datetime],
    ) -> None:
        self._memory, self._key, self._sign, self._now = memory, key, sign, now
        self._runs = _Runs(now)

    def answer(self, arrival: Arrival, request: Request) -> Reply:
        path, query = asked(request.target)
        nonce = query.get("nonce", "")
        if request.method not in ("GET", "HEAD"):
            return Reply(405, b"only GET is answered\n")
        if path != ECHO_PATH:
            return Reply(200, f"{arrival.label}: a server of tlsight's lab\n".encode())
        if not nonce or len(nonce) > MAX_NONCE:
            return Reply(400, b"a nonce of at most 64 characters is wanted\n")
        echo: Echo = arrival.echo(request, nonce, self._now())
        run = query.get("run", "")[:MAX_NONCE]
        if run:
            self._runs.seen(run, last=query.get("last") == "1")
        if query.get("met") == "1":
            others = self._runs.beside(run) if run else 0
            echo = msgspec.structs.replace(echo, met=self._memory.all, others=others)
        body = sealed(echo, self._key, self._sign)
        return Reply(200, body, "application/json", (("Cache-Control", "no-store"),))
