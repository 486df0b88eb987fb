"""Who may look at the page, and from where a form may come.

Rules
-----
1. Only requests for a name of ours are answered (Host), so that a name that somebody points at this machine
   reaches nothing (DNS rebinding).
2. Everything but the login needs a session: a random cookie, HttpOnly and SameSite=Strict. Programs may give
   the token as a bearer instead, for reading alone. A second token reads /metrics and nothing else.
3. A form needs the session's own CSRF token, and an Origin that is ours.
4. No answer is kept by anybody, framed, or may load or run what does not come from here.
5. Wrong secrets count by address, in forms and as bearers (guesses.py). A token of chance cannot be guessed, so
   the right one gets in whatever others did; before a password a locked address waits.
6. Who connects is who the kernel says: no header that a proxy may have set is believed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from addons.bypass.bounded import placed
from addons.review.admission import Admission
from addons.review.guesses import Guesses, address_of
from addons.review.pending import MAX_LIST
from addons.review.people import TOKEN_HOLDER, Person

COOKIE, KNOWN_COOKIE = "tlsight_session", "tlsight_known"
SESSION_SECONDS = 12 * 3600
MAX_SESSIONS = 100
MAX_FORM = 64 << 10
# A list, with what is around it in a form; nobody reads it who has no session.
MAX_UPLOAD = MAX_LIST + MAX_FORM
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer, forms of ours would have the Origin "null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass
class Session:
    csrf: str
    ends: float
    person: Person = TOKEN_HOLDER


@dataclass
class Access:
    """Who is in.

    Attributes:
        secret: the token, or the password.
        hosts: values of the Host header that are ours.
        scheme: "http" or "https".
        stopwatch: monotonic seconds.
        metrics: the token for /metrics alone.
        guessable: a person chose the secret.
        admission: who holds connections.

    """

    secret: str
    hosts: frozenset[str]
    scheme: str
    stopwatch: Callable[[], float]
    metrics: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    guessable: bool = False
    admission: Admission = field(init=False)
    guesses: Guesses = field(init=False)
    sessions: dict[str, Session] = field(default_factory=dict)
    known: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.admission = Admission(self.stopwatch)
        self.guesses = Guesses(self.stopwatch)

    async def log_in(self, secret: str, request: Request) -> str | None:
        """A session's id; None for a wrong secret. Raises TooManyError for one who has to wait."""
        if not await self.takes(secret, request):
            return None
        now = self.stopwatch()
        self.sessions = {k: one for k, one in self.sessions.items() if one.ends > now}
        name = secrets.token_urlsafe(32)
        session = Session(secrets.token_urlsafe(32), now + SESSION_SECONDS)
        placed(self.sessions, name, session, MAX_SESSIONS)
        return name

    def know(self, request: Request) -> str:
        """A cookie's value by which this browser will be known."""
        name = request.cookies.get(KNOWN_COOKIE, "")
        if name not in self.known:
            name = secrets.token_urlsafe(32)
        placed(self.known, name, None, MAX_SESSIONS)
        return name

    async def takes(self, secret: str, request: Request) -> bool:
        """Whether it is the secret; a wrong one counts. Raises TooManyError."""
        who = self._who(request)
        if self.guessable:
            if not who.startswith("known "):
                await asyncio.sleep(self.guesses.delay())
            self._wait(who)
        if compare_digest(secret.encode(), self.secret.encode()):
            self.guesses.right(who)
            return True
        self._wait(who)
        self.guesses.wrong(who)
        return False

    def session(self, request: Request) -> Session | None:
        found = self.sessions.get(request.cookies.get(COOKIE, ""))
        return found if found is not None and found.ends > self.stopwatch() else None

    async def bears_token(self, request: Request) -> bool:
        """Whether the bearer may read this. Raises TooManyError."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            return False
        if compare_digest(given.encode(), self.metrics.encode()):
            return request.url.path == "/metrics"
        return await self.takes(given, request)

    def is_ours(self, origin: str) -> bool:
        return origin.startswith(f"{self.scheme}://") and origin.partition("://")[2] in self.hosts

    def _who(self, request: Request) -> str:
        name = request.cookies.get(KNOWN_COOKIE, "")
        if name in self.known:
            return f"known {name}"
        return address_of(request.client.host) if request.client is not None else "unknown"

    def _wait(self, who: str) -> None:
        seconds = self.guesses.locked(who)
        if seconds:
            raise TooManyError(seconds)


class TooManyError(Exception):
    """Too many wrong secrets of late; has the seconds to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Too many wrong tokens: wait {seconds:.0f} seconds.")
        self.headers = {"retry-after": f"{seconds + 1:.0f}"}


class Gate:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        peer = tuple(scope["client"]) if scope["client"] else ("", 0)
        admission = self._access.admission

        async def receive_to_the_end() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                admission.begun(peer)
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        request = Request(scope)
        if _is_reading(request):
            admission.begun(peer)
        try:
            refused = await self._refused(request)
            await (refused or self._app)(scope, receive_to_the_end, send_with_headers)
        except ClientDisconnect:
            pass  # in the middle of a form
        finally:
            admission.ended(peer)

    async def _refused(self, request: Request) -> Response | None:
        access, path = self._access, request.url.path
        if request.headers.get("host", "") not in access.hosts:
            return PlainTextResponse("This name is not served here.\n", 421)
        reading = _is_reading(request)
        if not reading:
            origin = request.headers.get("origin", "")
            if not access.is_ours(origin):
                return PlainTextResponse("This form came from elsewhere.\n", 403)
            length = request.headers.get("content-length", "")
            most = MAX_UPLOAD if path == "/import" else MAX_FORM
            if not length.isdecimal() or int(length) > most:
                return PlainTextResponse("Too much.\n", 413)
        if path == "/login" or path.startswith("/static/"):
            return None
        if access.session(request) is not None:
            return None
        try:
            if reading and await access.bears_token(request):
                return None
        except TooManyError as error:
            return PlainTextResponse(f"{error}\n", 429, error.headers)
        if reading and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        return PlainTextResponse("Log in first.\n", 401)


def _is_reading(request: Request) -> bool:
    return request.method in ("GET", "HEAD")
