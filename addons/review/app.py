"""The application: which page is at which address, who may see or do it, and what becomes of errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from addons.review.access import MAX_FORM, Access
from addons.review.desk import BEARER, Desk, Handler, for_prometheus
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
from addons.review.stale import StaleError
from addons.review.visit import Deed, Page, View, Visit
from addons.store.bypass_store import BypassStore
from detector.errors import TlsightError

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
        frame = {
            "brand": "bypass", "site": "bypass review", "store": str(path), "proxies": None,
        }  # fmt: skip
        self._desk = Desk(access, now, frame)
        # Between looking whether a form is stale and doing what it says nobody else on this page decides.
        self._deciding = threading.Lock()

    def app(self) -> Starlette:
        importing = Importing()
        lists = self._form(importing.send, "administer", MAX_LIST)
        return self._desk.app(
            [
                Route("/import", self._page(importing.page)),
                Route("/import", lists, methods=["POST"]),
                *(Route(where, self._page(page)) for where, page in _PAGES),
                *(
                    Route(where, self._form(deed, kind), methods=["POST"])
                    for where, deed, kind in _DEEDS
                ),
                Route("/live", self._desk.live(self._stamp)),
                Route("/metrics", self.metrics),
            ]
        )

    async def metrics(self, _: Request) -> Response:
        """For Prometheus, which gives its token as a bearer."""

        def made() -> bytes:
            with self._store(BEARER) as store:
                return metrics(store, self._now())

        return for_prometheus(await run_in_threadpool(made))

    def _page(self, page: Page) -> Handler:
        def rendered(request: Request) -> Response:
            person = self._desk.person(request)
            try:
                with self._store(person) as store:
                    visit = self._visit(store, request, person)
                    return self._rendered(visit, page(visit))
            except TlsightError as error:
                return self._desk.failed(request, person, error, 404)

        async def handler(request: Request) -> Response:
            return await run_in_threadpool(rendered, request)

        return handler

    def _form(self, deed: Deed, kind: Kind, most: int = MAX_FORM) -> Handler:
        def done(request: Request, person: Person, form: Mapping[str, str]) -> Response:
            try:
                with self._deciding, self._store(person) as store:
                    visit = self._visit(store, request, person, form)
                    try:
                        found = deed(visit)
                    except StaleError as error:
                        found = _stale(error, request)
                    if isinstance(found, View):
                        return self._rendered(visit, found)
            except TlsightError as error:
                return self._desk.failed(request, person, error, 400)
            return self._desk.done(found)

        async def handler(request: Request, person: Person, form: Mapping[str, str]) -> Response:
            return await run_in_threadpool(done, request, person, form)

        return self._desk.form(handler, kind, most)

    def _visit(
        self,
        store: BypassStore,
        request: Request,
        person: Person,
        form: Mapping[str, str] | None = None,
    ) -> Visit:
        return Visit(
            request=request,
            now=self._now(),
            person=person,
            form=form or {},
            store=store,
            two_person=self._access.two_person,
        )

    def _rendered(self, visit: Visit, view: View) -> Response:
        more = {"proxies": visit.store.proxies.alive(visit.now), "now": visit.now}
        return self._desk.page(visit.request, visit.person, view, more)

    def _store(self, person: Person) -> BypassStore:
        return BypassStore(self._path, self._now, person.name, login=person.way)

    async def _stamp(self) -> str:
        def found() -> str:
            with self._store(BEARER) as store:
                return store.stamp()

        return await run_in_threadpool(found)


def _stale(error: StaleError, request: Request) -> View:
    back = urlsplit(request.headers.get("referer", ""))
    path = "/" + back.path.strip("/") + (f"?{back.query}" if back.query else "")
    return View(
        "stale.html",
        {"text": str(error), "differences": error.differences, "back": path},
        status=409,
    )
