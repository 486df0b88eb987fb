"""The application: which page is at which address, who may see or do it, and what becomes of errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from addons.fleet.database import FleetDatabase
from addons.fleet.page.again import Judge
from addons.fleet.page.look import Ask, Deed, Look, Page
from addons.fleet.page.metrics import metrics
from addons.fleet.page.pages import (
    agent,
    agents,
    correlation,
    event,
    finding,
    findings,
    interceptor,
    network,
    networks,
    products,
    questions,
    search,
    start,
)  # fmt: skip
from addons.fleet.queries import FleetQueries
from addons.fleet.unheard import Enrolled, Remembered
from addons.review.access import Access
from addons.review.desk import Desk, Handler, for_prometheus
from addons.review.people import Deed as Kind
from addons.review.people import Person
from detector.errors import StoreError, TlsightError
from detector.known.knowledge import Knowledge

_HERE = Path(__file__).parent
_STAMP_SECONDS = 2.0
_PAGES: tuple[tuple[str, Page], ...] = (
    ("/", start.page),
    ("/interceptors", interceptor.every),
    ("/interceptor", interceptor.page),
    ("/networks", networks.page),
    ("/network", network.page),
    ("/products", products.page),
    ("/product", products.one),
    ("/agents", agents.page),
    ("/agent", agent.page),
    ("/findings", findings.page),
    ("/finding", finding.page),
    ("/event", event.page),
    ("/correlations", correlation.every),
    ("/correlation", correlation.page),
    ("/questions", questions.page),
    ("/question", questions.one),
    ("/search", search.page),
)
_DEEDS: tuple[tuple[str, Deed, Kind], ...] = (
    ("/network/label", network.label, "administer"),
    ("/questions/ask", questions.ask, "decide"),
)


class Fleet(NamedTuple):
    """What the page shows and may do.

    Attributes:
        open: the database, opened in the server's loop when it starts. Raises StoreError.
        known: what observations are judged by again.
        ask: asks agents; None where this process is not on the bus.
        enrolled: who is enrolled; gives None where that is not known here.

    """

    open: Callable[[], Awaitable[FleetDatabase]]
    known: Callable[[], Knowledge]
    ask: Ask | None = None
    enrolled: Enrolled = lambda: None


class Console:
    """The application's handlers.

    Args:
        fleet: what is shown.
        access: who may.
        now: the clock.

    """

    def __init__(self, fleet: Fleet, access: Access, now: Callable[[], datetime]) -> None:
        self._fleet = fleet
        self._now = now
        self._judge = Judge(fleet.known)
        frame = {"brand": "fleet", "site": "fleet", "can_ask": fleet.ask is not None}
        self._desk = Desk(access, now, frame, [_HERE / "templates"])
        self._database: FleetDatabase | None = None
        self._stamped = (float("-inf"), "")
        self._stamping: asyncio.Lock | None = None
        self._ticks = access.stopwatch
        self._enrolled = Remembered(fleet.enrolled, self._ticks)

    def app(self) -> Starlette:
        return self._desk.app(
            [
                *(Route(where, self._page(page)) for where, page in _PAGES),
                *(
                    Route(where, self._form(deed, kind), methods=["POST"])
                    for where, deed, kind in _DEEDS
                ),
                Route("/observation", self._guarded(event.observation)),
                Route("/live", self._desk.live(self._stamp)),
                Route("/metrics", self._guarded(_metrics)),
            ],
            self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._stamping = asyncio.Lock()
        self._database = await self._fleet.open()
        try:
            yield
        finally:
            await self._database.close()

    def _page(self, page: Page) -> Handler:
        async def shown(look: Look) -> Response:
            view = await page(look)
            return await run_in_threadpool(self._desk.page, look.request, look.person, view)

        return self._guarded(shown)

    def _guarded(self, answer: Callable[[Look], Awaitable[Response]]) -> Handler:
        async def handler(request: Request) -> Response:
            person = self._desk.person(request)
            try:
                return await answer(self._look(request, person))
            except TlsightError as error:
                return self._desk.failed(request, person, error, 404)

        return handler

    def _form(self, deed: Deed, kind: Kind) -> Handler:
        async def handler(request: Request, person: Person, form: Mapping[str, str]) -> Response:
            try:
                return self._desk.done(await deed(self._look(request, person, form)))
            except TlsightError as error:
                return self._desk.failed(request, person, error, 400)

        return self._desk.form(handler, kind)

    def _look(
        self, request: Request, person: Person, form: Mapping[str, str] | None = None
    ) -> Look:
        now = self._now()
        return Look(
            request=request,
            now=now,
            person=person,
            form=form or {},
            fleet=self._queries(now),
            judge=self._judge,
            ask=self._fleet.ask,
            enrolled=self._enrolled,
        )

    def _queries(self, now: datetime) -> FleetQueries:
        if self._database is None:
            raise StoreError("fleet's database", "is not open")
        return FleetQueries(self._database, now)

    async def _stamp(self) -> str:
        """Asked once for all who look on."""
        assert self._stamping is not None
        async with self._stamping:
            at, found = self._stamped
            if self._ticks() - at >= _STAMP_SECONDS:
                found = await self._queries(self._now()).stamp()
                self._stamped = (self._ticks(), found)
        return found


async def _metrics(look: Look) -> Response:
    """For Prometheus, which gives its token as a bearer."""
    return for_prometheus(await metrics(look))
