"""What is the same at every page of ours behind its gate: who asks, forms that are his, templates, errors, live updates.

A page of bypasses and a page of a fleet differ in what they read and say; who may, and how it is asked, is here.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from hmac import compare_digest
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Lifespan

from addons.bypass.bounded import placed
from addons.review.access import MAX_FORM, Access, Gate, Session
from addons.review.login import Login
from addons.review.people import Deed as Kind
from addons.review.people import Person
from addons.review.rendering import templates
from addons.review.visit import Done, View, read_form
from detector.errors import ConfigError, TargetError, TlsightError

HERE = Path(__file__).parent
BEARER = Person("bearer of the token", "viewer")
_LIVE_SECONDS = 1.0
_MAX_SAID = 200
_MAY_NOT = {"read": "look", "decide": "decide", "administer": "administer"}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
FormHandler = Callable[[Request, Person, Mapping[str, str]], Awaitable[Response]]


class Desk:
    """The handlers that pages share, and what theirs are made with.

    Args:
        access: who may.
        now: the clock.
        frame: what every template is given, `brand` and `site` among it; a view's own values go before it.
        folders: templates of a page's own, looked at before the shared ones.

    """

    def __init__(
        self,
        access: Access,
        now: Callable[[], datetime],
        frame: Mapping[str, object],
        folders: Sequence[Path] = (),
    ) -> None:
        self.access = access
        self._now = now
        self._templates = templates(*folders, HERE / "templates")
        self._templates.globals |= frame
        self._said: dict[str, str] = {}

    def app(
        self, routes: Sequence[BaseRoute], lifespan: Lifespan[Starlette] | None = None
    ) -> Starlette:
        """The application: a page's own addresses, and those that all have."""
        login = Login(self.access, self._templates.get_template("login.html"))
        shared = [
            Route("/login", login.__call__, methods=["GET", "POST"]),
            Route("/logout", self.form(self._log_out, "read"), methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]
        gate = Middleware(Gate, self.access)
        return Starlette(routes=[*routes, *shared], middleware=[gate], lifespan=lifespan)

    def form(self, handler: FormHandler, kind: Kind, most: int = MAX_FORM) -> Handler:
        """What takes a form: read, the session's own, and sent by somebody who may do that kind of thing."""

        def sender(request: Request, form: Mapping[str, str]) -> Person | Response:
            session = self.access.session(request)
            person = _person(session)
            given = form.get("csrf", "")
            if session is None or not compare_digest(given.encode(), session.csrf.encode()):
                return self.problem(request, person, "The form is out of date.", 403)
            if not person.may(kind):
                why = f"{person.name} is a {person.role}, who may not {_MAY_NOT[kind]} here."
                return self.problem(request, person, why, 403)
            return person

        async def handle(request: Request) -> Response:
            try:
                form = await read_form(request, most)
            except ConfigError as error:
                return self.problem(request, self.person(request), str(error), 400)
            found = await run_in_threadpool(sender, request, form)
            return await handler(request, found, form) if isinstance(found, Person) else found

        return handle

    def live(self, stamp: Callable[[], Awaitable[str]]) -> Handler:
        """Server-sent events: "changed" whenever the stamp did."""

        async def handle(request: Request) -> Response:
            async def events() -> AsyncIterator[str]:
                last = ""
                yield "retry: 2000\n\n"
                while not await request.is_disconnected():
                    with contextlib.suppress(TlsightError):
                        found = await stamp()
                        if last and found != last:
                            yield f"event: changed\ndata: {found}\n\n"
                        last = found
                    await asyncio.sleep(_LIVE_SECONDS)

            return StreamingResponse(events(), media_type="text/event-stream")

        return handle

    def person(self, request: Request) -> Person:
        """Who asks; one without a session reads with a bearer."""
        return _person(self.access.session(request))

    def page(
        self, request: Request, person: Person, view: View, more: Mapping[str, object] | None = None
    ) -> Response:
        """A view as HTML."""
        session = self.access.session(request)
        known = {
            "csrf": session.csrf if session else "",
            "said": self._said.pop(request.query_params.get("done", ""), ""),
            "path": request.url.path,
            "person": person,
            "now": self._now(),
        }
        values = {**known, **(more or {}), **view.values}
        return HTMLResponse(self._templates.get_template(view.template).render(values), view.status)

    def problem(self, request: Request, person: Person, problem: str, status: int) -> Response:
        """That something was not done, and why."""
        return self.page(request, person, View("problem.html", {"problem": problem}, status))

    def failed(
        self, request: Request, person: Person, error: TlsightError, status: int
    ) -> Response:
        """The same of an error; `status` where it is about what was asked, else it is ours."""
        asked = isinstance(error, ConfigError | TargetError)
        return self.problem(request, person, str(error), status if asked else 503)

    def done(self, done: Done) -> Response:
        """Off to where a form leads; what to say there is kept here, for a text in the address would be anybody's."""
        if not done.said:
            return RedirectResponse(done.where, 303)
        name = secrets.token_urlsafe(12)
        placed(self._said, name, done.said, _MAX_SAID)
        where = f"{done.where}{'&' if '?' in done.where else '?'}done={name}"
        return RedirectResponse(where, 303)

    async def _log_out(self, request: Request, _: Person, __: Mapping[str, str]) -> Response:
        self.access.sessions.pop(request.cookies.get(self.access.cookie, ""), None)
        return self.done(Done("/login"))


def for_prometheus(made: bytes) -> Response:
    """Metrics in its text format."""
    return Response(made, media_type=CONTENT_TYPE_LATEST)


def _person(session: Session | None) -> Person:
    return session.person if session is not None else BEARER
