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
   the right one gets in whatever others did; before a password a locked address waits. Passwords of named users
   count by name too, so that many addresses together have no more guesses than one.
6. Who connects is who the kernel says. A header that names a user is believed only of the reverse proxy that was
   configured (forwarded.py), and refused from anybody else.
7. What somebody may do is asked at each request: his role, and whether he is a user at all, may have changed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from addons.bypass.bounded import placed
from addons.review.admission import Admission
from addons.review.forwarded import Forwarded, StrangerError
from addons.review.guesses import Guesses, address_of
from addons.review.pending import MAX_LIST
from addons.review.people import TOKEN_HOLDER, Person, is_name
from addons.review.users_file import User, UsersFile

COOKIE, KNOWN_COOKIE = "tlsight_session", "tlsight_known"
SESSION_SECONDS = 12 * 3600
MAX_SESSIONS = 100
MAX_FORM = 64 << 10
# A list, with what is around it in a form; nobody reads it who has no session.
MAX_UPLOAD = MAX_LIST + MAX_FORM
_AT_ONCE = 2  # passwords that are checked; each takes 64 MiB
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
    """One who is in.

    Attributes:
        user: his line in the file of users, which has to stay as it was.

    """

    csrf: str
    ends: float
    person: Person = TOKEN_HOLDER
    user: User | None = None


@dataclass
class Access:
    """Who is in.

    Attributes:
        secret: the token, or the password; with `users` there is none.
        hosts: values of the Host header that are ours.
        scheme: "http" or "https".
        stopwatch: monotonic seconds.
        metrics: the token for /metrics alone.
        guessable: a person chose the secret.
        users: named ones.
        forwarded: the reverse proxy that names users.
        public: what a browser calls the page by where a reverse proxy is in front, e.g. "https://bypass.example".
        two_person: what is wide (wide.py) and one has approved waits for another.
        holder: what whoever has the token is called.
        cookie: the session's; a browser sends those of one port to another.
        known_cookie: likewise, of a browser that has logged in before.
        admission: who holds connections.

    """

    secret: str | None
    hosts: frozenset[str]
    scheme: str
    stopwatch: Callable[[], float]
    metrics: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    guessable: bool = False
    users: UsersFile | None = None
    forwarded: Forwarded | None = None
    public: str | None = None
    two_person: bool = False
    holder: str = TOKEN_HOLDER.name
    cookie: str = COOKIE
    known_cookie: str = KNOWN_COOKIE
    admission: Admission = field(init=False)
    guesses: Guesses = field(init=False)
    sessions: dict[str, Session] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        through = self.forwarded.is_source if self.forwarded is not None else None
        self.admission = Admission(self.stopwatch, through)
        self.guesses = Guesses(self.stopwatch)
        self._checking = asyncio.Semaphore(_AT_ONCE)
        if self.public is not None:
            self.hosts |= {self.public.partition("://")[2]}

    async def log_in(self, secret: str, request: Request, name: str = "") -> str | None:
        """A session's id; None for a wrong secret or user. Raises TooManyError for one who has to wait."""
        user = None
        if self.users is not None:
            user = await self._user(self.users, name, secret, request)
            if user is None:
                return None
            person = Person(user.name, user.role, f"page: password, from {_peer(request)}")
        elif await self.takes(secret, request):
            how = "password" if self.guessable else "token"
            person = Person(self.holder, "admin", f"page: {how}, from {_peer(request)}")
        else:
            return None
        now = self.stopwatch()
        self.sessions = {k: one for k, one in self.sessions.items() if one.ends > now}
        key = secrets.token_urlsafe(32)
        session = Session(secrets.token_urlsafe(32), now + SESSION_SECONDS, person, user)
        placed(self.sessions, key, session, MAX_SESSIONS)
        return key

    def know(self, request: Request, session: str) -> str:
        """A cookie's value by which this browser will be known, as his who has just logged in."""
        person = self.sessions[session].person.name
        name = request.cookies.get(self.known_cookie, "")
        if self.known.get(name) != person:
            name = secrets.token_urlsafe(32)
        placed(self.known, name, person, MAX_SESSIONS)
        return name

    async def takes(self, secret: str, request: Request) -> bool:
        """Whether it is the secret; a wrong one counts. Raises TooManyError."""
        who = self._who(request)
        if self.guessable:
            if not who.startswith("known "):
                await asyncio.sleep(self.guesses.delay())
            self._wait(who)
        if self.secret is not None and compare_digest(
            secret.encode("utf-8", "surrogatepass"), self.secret.encode()
        ):
            self.guesses.right(who)
            return True
        self._wait(who)
        self.guesses.wrong(who)
        return False

    async def _user(
        self, users: UsersFile, name: str, password: str, request: Request
    ) -> User | None:
        """The user whose password it is; a wrong one counts for the address and for the name."""
        who = self._who(request)
        name = name if is_name(name) else ""
        both = [who]
        if who.startswith("known ") and self.known[request.cookies[self.known_cookie]] != name:
            who = f"{who} as another"
            both = [who, f"user {name}"]
        elif not who.startswith("known "):
            both = [who, f"user {name}"]
            await asyncio.sleep(self.guesses.delay())
        for one in both:
            self._wait(one)
        async with self._checking:
            for one in both:  # others may have guessed wrong while this one waited
                self._wait(one)
            user = await run_in_threadpool(users.check, name, password)
        if user is not None:
            for one in both:
                self.guesses.right(one)
            return user
        for one in both:
            self.guesses.wrong(one)
        return None

    def session(self, request: Request) -> Session | None:
        """The session as it is now. Raises StrangerError for a header that this one may not send."""
        if self.forwarded is not None:
            person = self.forwarded.person(request, self.users)
            if person is not None:
                return Session(self.forwarded.csrf(person), self.stopwatch(), person)
        key = request.cookies.get(self.cookie, "")
        found = self.sessions.get(key)
        if found is None or found.ends <= self.stopwatch():
            return None
        if found.user is not None and (
            self.users is None or self.users.get(found.user.name) != found.user
        ):
            self.sessions.pop(key, None)
            return None
        return found

    def person(self, request: Request) -> Person | None:
        """Who asks; None for a program with a token, which only reads."""
        found = self.session(request)
        return found.person if found is not None else None

    def is_secure(self, request: Request) -> bool:
        """Whether the browser speaks TLS, to us or to the reverse proxy."""
        if (
            self.public is not None
            and request.headers.get("host") == self.public.partition("://")[2]
        ):
            return self.public.startswith("https://")
        return self.scheme == "https"

    async def bears_token(self, request: Request) -> bool:
        """Whether the bearer may read this. Raises TooManyError."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            return False
        if compare_digest(given.encode(), self.metrics.encode()):
            return request.url.path == "/metrics"
        return self.secret is not None and await self.takes(given, request)

    def is_ours(self, origin: str) -> bool:
        if self.public is not None and origin == self.public:
            return True
        return origin.startswith(f"{self.scheme}://") and origin.partition("://")[2] in self.hosts

    def _who(self, request: Request) -> str:
        name = request.cookies.get(self.known_cookie, "")
        if name in self.known:
            return f"known {name}"
        return address_of(_peer(request))

    def _wait(self, who: str) -> None:
        seconds = self.guesses.locked(who)
        if seconds:
            raise TooManyError(seconds)


class TooManyError(Exception):
    """Too many wrong secrets of late; has the seconds to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Too many wrong guesses: wait {seconds:.0f} seconds.")
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
            return None  # for all; neither says anything of anybody
        try:
            session = access.session(request)
        except StrangerError as error:
            return PlainTextResponse(f"Refused: {error}.\n", 403)
        if session is not None:
            if reading or path == "/logout" or session.person.may("decide"):
                return None
            return PlainTextResponse(f"A {session.person.role} looks on alone.\n", 403)
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


def _peer(request: Request) -> str:
    return request.client.host if request.client is not None else "unknown"
