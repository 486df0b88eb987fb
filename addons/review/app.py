"""The application: which page is at which address, who may see or do it, and what becomes of errors."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import datetime
from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from addons.bypass.bounded import placed
from addons.review.access import COOKIE, MAX_FORM, Access, Gate, Session
from addons.review.login import Login
from addons.review.metrics import metrics
from addons.review.pages import (
    adding,
    audit,
    candidate,
    candidates,
    host,
    rule,
    rules,
    start,
    stats,
    undoing,
)  # fmt: skip
from addons.review.pages.importing import Importing
from addons.review.pending import MAX_LIST
from addons.review.people import Deed as Kind
from addons.review.people import Person
from addons.review.rendering import templates
from addons.review.stale import StaleError
from addons.review.visit import Deed, Done, Page, View, Visit, read_form
from addons.store.bypass_store import BypassStore
from detector.errors import ConfigError, TargetError, TlsightError

_HERE = Path(__file__).parent
_LIVE_SECONDS = 1.0
_MAX_SAID = 200
_BEARER = Person("bearer of the token", "viewer")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_PAGES: tuple[tuple[str, Page], ...] = (
    ("/", start.page),
    ("/candidates", candidates.page),
    ("/candidate/{host}", candidate.page),
    ("/host", host.page),
    ("/rules", rules.page),
    ("/rule", rule.page),
    ("/add", adding.page),
    ("/stats", stats.page),
    ("/audit", audit.page),
    ("/undo", undoing.page),
)
_DEEDS: tuple[tuple[str, Deed, Kind], ...] = (
    ("/candidate/{host}/{verb}", candidate.decide, "decide"),
    ("/rule/{verb}", rule.change, "decide"),
    ("/add", adding.add, "decide"),
    ("/undo", undoing.undo, "administer"),
)


class Review:
    """The application's handlers.

    Args:
        path: the store.
        access: who may.
        now: the clock.

    """

    def __init__(self, path: Path, access: Access, now: Callable[[], datetime]) -> None:
        self._path = path
        self._access = access
        self._now = now
        self._templates = templates(_HERE / "templates")
        # Between looking whether a form is stale and doing what it says nobody else on this page decides.
        self._deciding = threading.Lock()
        self._said: dict[str, str] = {}

    def app(self) -> Starlette:
        login = Login(self._access, self._templates.get_template("login.html"))
        importing = Importing()
        lists = self._form(importing.send, "administer", MAX_LIST)
        routes = [
            Route("/import", self._page(importing.page)),
            Route("/import", lists, methods=["POST"]),
            *(Route(where, self._page(page)) for where, page in _PAGES),
            *(
                Route(where, self._form(deed, kind), methods=["POST"])
                for where, deed, kind in _DEEDS
            ),
            Route("/live", self.live),
            Route("/metrics", self.metrics),
            Route("/login", login.__call__, methods=["GET", "POST"]),
            Route("/logout", self._form(self._log_out, "read"), methods=["POST"]),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ]
        return Starlette(routes=routes, middleware=[Middleware(Gate, self._access)])

    async def live(self, request: Request) -> Response:
        """Server-sent events: "changed" whenever a candidate or a decision did."""

        async def events() -> AsyncIterator[str]:
            last = ""
            yield "retry: 2000\n\n"
            while not await request.is_disconnected():
                with contextlib.suppress(TlsightError):
                    stamp = await run_in_threadpool(self._stamp)
                    if last and stamp != last:
                        yield f"event: changed\ndata: {stamp}\n\n"
                    last = stamp
                await asyncio.sleep(_LIVE_SECONDS)

        return StreamingResponse(events(), media_type="text/event-stream")

    async def metrics(self, _: Request) -> Response:
        """For Prometheus, which gives its token as a bearer."""

        def made() -> bytes:
            with self._store(_BEARER) as store:
                return metrics(store, self._now())

        return Response(await run_in_threadpool(made), media_type=CONTENT_TYPE_LATEST)

    def _log_out(self, visit: Visit) -> Done:
        self._access.sessions.pop(visit.request.cookies.get(COOKIE, ""), None)
        return Done("/login")

    def _page(self, page: Page) -> Handler:
        def rendered(request: Request) -> Response:
            person = self._person(self._access.session(request))
            try:
                with self._store(person) as store:
                    now, two = self._now(), self._access.two_person
                    visit = Visit(store, request, now, person, two_person=two)
                    return self._rendered(visit, page(visit))
            except TlsightError as error:
                status = 404 if isinstance(error, ConfigError | TargetError) else 503
                return self._problem(request, person, str(error), status)

        async def handler(request: Request) -> Response:
            return await run_in_threadpool(rendered, request)

        return handler

    def _form(self, deed: Deed, kind: Kind, most: int = MAX_FORM) -> Handler:
        def done(request: Request, form: dict[str, str]) -> Response:
            session = self._access.session(request)
            person = self._person(session)
            given = form.get("csrf", "")
            if session is None or not compare_digest(given.encode(), session.csrf.encode()):
                return self._problem(request, person, "The form is out of date.", 403)
            if not person.may(kind):
                why = f"{person.name} is a {person.role}, who may not {_MAY_NOT[kind]} here."
                return self._problem(request, person, why, 403)
            try:
                with self._deciding, self._store(person) as store:
                    visit = Visit(
                        store, request, self._now(), person, form, self._access.two_person
                    )
                    try:
                        found = deed(visit)
                    except StaleError as error:
                        found = _stale(error, request)
                    if isinstance(found, View):
                        return self._rendered(visit, found)
            except TlsightError as error:
                status = 400 if isinstance(error, ConfigError | TargetError) else 503
                return self._problem(request, person, str(error), status)
            return RedirectResponse(self._keep(found), 303)

        async def handler(request: Request) -> Response:
            try:
                form = await read_form(request, most)
            except ConfigError as error:
                person = self._person(self._access.session(request))
                return self._problem(request, person, str(error), 400)
            return await run_in_threadpool(done, request, form)

        return handler

    def _rendered(self, visit: Visit, view: View) -> Response:
        proxies = visit.store.proxies.alive(visit.now)
        values = {"proxies": proxies, "now": visit.now, **view.values}
        return HTMLResponse(
            self._render(visit.request, visit.person, view.template, values), view.status
        )

    def _problem(self, request: Request, person: Person, problem: str, status: int) -> Response:
        values = {"problem": problem, "proxies": None, "now": self._now()}
        return HTMLResponse(self._render(request, person, "problem.html", values), status)

    def _render(
        self, request: Request, person: Person, name: str, values: Mapping[str, object]
    ) -> str:
        session = self._access.session(request)
        known = {
            "csrf": session.csrf if session else "",
            "said": self._said.pop(request.query_params.get("done", ""), ""),
            "path": request.url.path,
            "store": str(self._path),
            "person": person,
        }
        return self._templates.get_template(name).render({**known, **values})

    def _keep(self, done: Done) -> str:
        """Where to go; what to say there is kept here, for a text in the address would be anybody's."""
        if not done.said:
            return done.where
        name = secrets.token_urlsafe(12)
        placed(self._said, name, done.said, _MAX_SAID)
        return f"{done.where}{'&' if '?' in done.where else '?'}done={name}"

    def _person(self, session: Session | None) -> Person:
        """Who has no session reads with a bearer."""
        return session.person if session is not None else _BEARER

    def _store(self, person: Person) -> BypassStore:
        return BypassStore(self._path, self._now, person.name, login=person.way)

    def _stamp(self) -> str:
        with self._store(_BEARER) as store:
            return store.stamp()


_MAY_NOT = {"read": "look", "decide": "decide", "administer": "administer"}


def _stale(error: StaleError, request: Request) -> View:
    back = urlsplit(request.headers.get("referer", ""))
    path = "/" + back.path.strip("/") + (f"?{back.query}" if back.query else "")
    return View(
        "stale.html",
        {"text": str(error), "differences": error.differences, "back": path},
        status=409,
    )
