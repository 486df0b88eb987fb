"""All the servers by which an interceptor is graded, behind one port, told apart by name.

The server of the test `expired` is called expired.NAME, the good one good.NAME. Whoever asks one of them for
/.well-known/tlsight-echo?nonce=N is told, signed, what was seen of his connection; with &met=1, also how the last
connections to every server ended: so a client behind an interceptor that refuses everything learns what it said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector import clock
from detector.echo.sealed import sealed
from detector.errors import ConfigError
from detector.knowledge.grade_tests import grade_tests
from detector.lab.graded.certificates import Mint
from detector.lab.graded.moods import MOODS, well
from detector.lab.pki import LabPki
from detector.model.echoes import Echo, Meeting
from detector.serving.conversation import Reply, Request
from detector.serving.front import Arrival, Entrance, Limits, by_name, front

SERVERS_SCHEMA = "tlsight.grade-servers/1"
GOOD = "good"
PATH = "/.well-known/tlsight-echo"
MAX_NONCE = 64
# Of each server's last connections, this many are remembered; a whole grade asks each a few times.
_REMEMBERED = 4
_MAX_FLIGHT = 4096


class GradeServers(msgspec.Struct, frozen=True, kw_only=True):
    """What a client has to know of them, as a file: `tlsight grade --servers FILE`.

    Attributes:
        name: below which each server has its label.
        port: of all.
        key: by which echoes are signed (raw Ed25519, hex).
        root: PEM of the root that the interceptor has to trust for the tests that need it.
        labels: of the servers that run: tests' ids, and "good".
        address: to dial without a resolver; empty where names resolve.

    """

    schema: str
    name: str
    port: int
    key: str
    root: str
    labels: tuple[str, ...]
    address: str = ""

    def host(self, label: str) -> str:
        """The server's name."""
        return f"{label}.{self.name}"


@dataclass(frozen=True)
class Place:
    """Where they are served: `name` below which they are called, `host` and `port` to listen at."""

    name: str
    host: str = "127.0.0.1"
    port: int = 0


@asynccontextmanager
async def grade_servers(
    pki: LabPki, place: Place, say: Callable[[str], None], now: Callable[[], datetime] = clock.now
) -> AsyncGenerator[GradeServers]:
    """Serve them until left. Raises ConfigError. `say` is told which are left out, and why."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    entrances = _entrances(pki, place.name, say)
    memory = _Memory(now)
    answers = _Answers(memory, public, key.sign, now)
    named = {f"{label}.{place.name}": one for label, one in entrances.items()}
    async with front(
        place.host, place.port, by_name(named), answers.answer, Limits(most_of_one=256), memory.tell
    ) as port:
        yield GradeServers(
            schema=SERVERS_SCHEMA, name=place.name, port=port, key=public, root=pki.root.pem,
            labels=tuple(entrances), address=place.host,
        )  # fmt: skip


def _entrances(pki: LabPki, name: str, say: Callable[[str], None]) -> Mapping[str, Entrance]:
    mint = Mint(pki)
    found = {GOOD: Entrance(GOOD, well(mint.good(f"{GOOD}.{name}")))}
    bad = mint.bad
    for test in grade_tests().visits:
        host = f"{test.id}.{name}"
        try:
            if test.id in bad:
                speaking = well(bad[test.id](host))
            else:
                speaking = MOODS[test.id](mint.good(host))
        except ConfigError as error:
            say(f"{test.id} is not served: {error}")
            continue
        found[test.id] = Entrance(test.id, speaking)
    return found


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


class _Answers:
    def __init__(
        self,
        memory: _Memory,
        key: str,
        sign: Callable[[bytes], bytes],
        now: Callable[[], datetime],
    ) -> None:
        self._memory, self._key, self._sign, self._now = memory, key, sign, now

    def answer(self, arrival: Arrival, request: Request) -> Reply:
        path, query = asked(request.target)
        nonce = query.get("nonce", "")
        if request.method not in ("GET", "HEAD"):
            return Reply(405, b"only GET is answered\n")
        if path != PATH:
            return Reply(200, f"{arrival.label}: a server of tlsight's lab\n".encode())
        if not nonce or len(nonce) > MAX_NONCE:
            return Reply(400, b"a nonce of at most 64 characters is wanted\n")
        echo: Echo = arrival.echo(request, nonce, self._now())
        if query.get("met") == "1":
            echo = msgspec.structs.replace(echo, met=self._memory.all)
        body = sealed(echo, self._key, self._sign)
        return Reply(200, body, "application/json", (("Cache-Control", "no-store"),))


def asked(target: str) -> tuple[str, dict[str, str]]:
    """Path and parameters of a request's target; the first of a name counts."""
    parts = urlsplit(target)
    try:
        pairs = parse_qsl(parts.query, max_num_fields=16)
    except ValueError:
        return "", {}
    return parts.path, dict(reversed(pairs))
