"""Who may look at the page, and from where a form may come.

Rules
-----
1. Only requests for a name of ours are answered (Host), so that a name that somebody points at this machine
   reaches nothing (DNS rebinding).
2. Everything but the login needs a session: a random cookie, HttpOnly and SameSite=Strict. Programs may give
   the token as a bearer instead, for reading alone.
3. A form needs the session's own CSRF token, and an Origin that is ours.
4. No answer is kept by anybody, framed, or may load or run what does not come from here.
5. Ten wrong tokens, and nobody is let in for a minute.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "tlsight_session"
SESSION_SECONDS = 12 * 3600
MAX_SESSIONS = 100
MAX_WRONG, WAIT_SECONDS = 10, 60.0
MAX_FORM = 64 << 10
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


@dataclass
class Access:
    """Who is in.

    Attributes:
        secret: the token, or the password.
        hosts: values of the Host header that are ours.
        scheme: "http" or "https".
        stopwatch: monotonic seconds.

    """

    secret: str
    hosts: frozenset[str]
    scheme: str
    stopwatch: Callable[[], float]
    sessions: dict[str, Session] = field(default_factory=dict)
    wrong: list[float] = field(default_factory=list)

    def log_in(self, secret: str) -> str | None:
        """A session's id; None for a wrong secret. Raises TooManyError after too many."""
        now = self.stopwatch()
        self.wrong = [at for at in self.wrong if now - at < WAIT_SECONDS]
        if len(self.wrong) >= MAX_WRONG:
            raise TooManyError
        if not compare_digest(secret.encode(), self.secret.encode()):
            self.wrong.append(now)
            return None
        self.sessions = {k: one for k, one in self.sessions.items() if one.ends > now}
        while len(self.sessions) >= MAX_SESSIONS:
            del self.sessions[next(iter(self.sessions))]
        name = secrets.token_urlsafe(32)
        self.sessions[name] = Session(secrets.token_urlsafe(32), now + SESSION_SECONDS)
        return name

    def session(self, request: Request) -> Session | None:
        found = self.sessions.get(request.cookies.get(COOKIE, ""))
        return found if found is not None and found.ends > self.stopwatch() else None

    def bears_token(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return bool(given) and compare_digest(given.encode(), self.secret.encode())

    def is_ours(self, origin: str) -> bool:
        return origin.startswith(f"{self.scheme}://") and origin.partition("://")[2] in self.hosts


class TooManyError(Exception):
    """Too many wrong secrets of late."""


class Gate:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        refused = self._refused(Request(scope))
        await (refused or self._app)(scope, receive, send_with_headers)

    def _refused(self, request: Request) -> Response | None:
        access, path = self._access, request.url.path
        if request.headers.get("host", "") not in access.hosts:
            return PlainTextResponse("This name is not served here.\n", 421)
        reading = request.method in ("GET", "HEAD")
        if not reading:
            origin = request.headers.get("origin", "")
            if not access.is_ours(origin):
                return PlainTextResponse("This form came from elsewhere.\n", 403)
            if int(request.headers.get("content-length") or MAX_FORM + 1) > MAX_FORM:
                return PlainTextResponse("Too much.\n", 413)
        if path == "/login" or path.startswith("/static/"):
            return None
        if access.session(request) is not None or (reading and access.bears_token(request)):
            return None
        if reading and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        return PlainTextResponse("Log in first.\n", 401)
