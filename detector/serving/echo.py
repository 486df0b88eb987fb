"""The echo server: whoever connects is told, signed, what was seen of his connection; browsers get it as a page.

Rules
-----
1. Every name is answered: who asks by a wrong one wants to know what arrived, too.
2. HTTP/1.1 goes before HTTP/2 where both are offered, because its header names arrive as they were written.
3. Nothing is kept, but for one thing, for one minute: hellos whose name begins with a label of 32 hex digits. A hello that
   was made by hand ends with the server's answer and can ask nothing, so its sender asks on another connection for what
   came under his label, which nobody else can guess. At most 4096 of them are held, in memory.
4. Nothing is logged.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector import clock
from detector.echo.sealed import sealed
from detector.forensics.browsers import Browsers
from detector.model.echoes import ECHO_PATH, MAX_NONCE, Echo, Meeting
from detector.serving.conversation import Reply, Request, asked
from detector.serving.front import Arrival, Entrance, Limits, front
from detector.serving.speaker import Speaking
from detector.wire.hello import ClientHello

HTTP = ("http/1.1", "h2")
# What one address may do; an office behind one address has many clients.
LIMITS = Limits(most=1024, most_of_one=32, a_minute=120)
_LABEL = re.compile(r"[0-9a-f]{32}")
_KEPT = timedelta(seconds=60)
_MOST_KEPT, _MOST_OF_LABEL, _MAX_FLIGHT, _MOST_ASKED = 4096, 4, 4096, 16
_SAFE = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "frame-ancestors 'none'"),
)


@dataclass(frozen=True)
class Place:
    """Where it listens; port 0 for any free one."""

    host: str
    port: int


@asynccontextmanager
async def server_of(
    place: Place,
    speaking: Speaking,
    key: Ed25519PrivateKey,
    browsers: Browsers,
    limits: Limits = LIMITS,
    now: Callable[[], datetime] = clock.now,
) -> AsyncGenerator[int]:
    """Serve until left; gives the port. Raises ConfigError where nobody can listen there."""
    lately = Lately(now)
    entrance = Entrance("", speaking)
    answers = _Answers(lately, key, browsers, now)

    def choose(_hello: ClientHello) -> Entrance:
        return entrance

    async with front(
        place.host, place.port, choose, answers.answer, limits, meet=lately.meet
    ) as port:
        yield port


class Lately:
    """Hellos of the last minute that bear a label, oldest first."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._met: OrderedDict[str, list[Meeting]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._met)

    def meet(self, arrival: Arrival) -> None:
        """Keep it where it has a label and the size of a hello."""
        label = (_name(arrival.hello) or "").partition(".")[0]
        if not _LABEL.fullmatch(label) or len(arrival.flight) > _MAX_FLIGHT:
            return
        self._forget()
        met = self._met.setdefault(label, [])
        if len(met) < _MOST_OF_LABEL:
            met.append(Meeting(
                server=label, at=self._now(), flight=arrival.flight, ended="", peer=arrival.peer
            ))  # fmt: skip

    def of(self, labels: str) -> tuple[Meeting, ...]:
        """What came under them; a comma between two."""
        self._forget()
        wanted = labels.split(",", _MOST_ASKED)[:_MOST_ASKED]
        return tuple(one for label in wanted for one in self._met.get(label, ()))

    def _forget(self) -> None:
        oldest = self._now() - _KEPT
        while self._met:
            first = next(iter(self._met))
            if self._met[first][0].at > oldest and len(self._met) < _MOST_KEPT:
                return
            del self._met[first]


class _Answers:
    def __init__(
        self,
        lately: Lately,
        key: Ed25519PrivateKey,
        browsers: Browsers,
        now: Callable[[], datetime],
    ) -> None:
        self._lately, self._browsers, self._now = lately, browsers, now
        self._sign, self._key = key.sign, key.public_key().public_bytes_raw().hex()

    def answer(self, arrival: Arrival, request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return Reply(405, b"only GET is answered\n", headers=_SAFE)
        path, query = asked(request.target)
        if path == ECHO_PATH:
            return self._echo(arrival, request, query)
        if path == "/":
            return self._page(arrival, request)
        return Reply(404, b"here are / and " + ECHO_PATH.encode() + b"\n", headers=_SAFE)

    def _echo(self, arrival: Arrival, request: Request, query: dict[str, str]) -> Reply:
        nonce = query.get("nonce", "")
        if not nonce or len(nonce) > MAX_NONCE:
            return Reply(400, b"a nonce of at most 64 characters is wanted\n", headers=_SAFE)
        echo: Echo = arrival.echo(request, nonce, self._now())
        if labels := query.get("of"):
            echo = msgspec.structs.replace(echo, met=self._lately.of(labels))
        body = sealed(echo, self._key, self._sign)
        return Reply(200, body, "application/json", _SAFE)

    def _page(self, arrival: Arrival, request: Request) -> Reply:
        from detector.report.echo_page import echo_page
        from detector.report.page import html

        echo = arrival.echo(request, "", self._now())
        page = echo_page(echo, self._browsers, self._key)
        return Reply(200, html(page).encode(), "text/html; charset=utf-8", _SAFE)


def _name(hello: ClientHello) -> str | None:
    from detector.errors import WireError

    try:
        return hello.sni
    except WireError:
        return None
