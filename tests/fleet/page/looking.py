"""Somebody at the fleet page, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.testclient import TestClient

from addons.fleet.database import FleetDatabase
from addons.fleet.page.app import Console, Fleet
from addons.fleet.page.look import Ask
from addons.fleet.sqlite_database import open_sqlite
from addons.fleet.unheard import Enrolled
from addons.review.access import Access
from addons.review.people import Role
from tests.addons.reviewing import HOSTS, ORIGIN, Visitor
from tests.fleet.page.story import knowledge


class Onlooker(Visitor):
    """One who has logged in, with a role; the page is up while the context lasts.

    Args:
        path: of the database.
        now: of the page's clock.

    """

    def __init__(
        self,
        path: Path,
        now: datetime,
        role: Role = "admin",
        ask: Ask | None = None,
        enrolled: Enrolled = lambda: None,
    ) -> None:
        async def opened() -> FleetDatabase:
            return await open_sqlite(path)

        fleet = Fleet(opened, knowledge, ask, enrolled)
        self._page = self._built(fleet, lambda: now)
        self._role: Role = role

    def _built(self, fleet: Fleet, now: Callable[[], datetime]) -> TestClient:
        self.access = Access("the token", HOSTS, "http", lambda: 1000.0, "for metrics")
        app = Console(fleet, self.access, now).app()
        return TestClient(app, ORIGIN, follow_redirects=False)

    def __enter__(self) -> Self:
        self.client = self._page.__enter__()
        self.log_in(self._role)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._page.__exit__(kind, error, trace)
