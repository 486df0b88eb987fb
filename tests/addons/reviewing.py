"""Somebody at the review page, without a browser: he reads pages and sends the forms that he was shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from httpx import Response
from starlette.testclient import TestClient

from addons.review.access import Access
from addons.review.app import Review
from addons.review.people import Person, Role

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:8090"
HOSTS = frozenset(["127.0.0.1:8090"])


class Visitor:
    """One who has logged in, with a role.

    Args:
        path: the store.
        role: what he may do.
        now: the clock.

    """

    def __init__(
        self,
        path: Path,
        role: Role = "admin",
        now: Callable[[], datetime] = lambda: NOW,
        client: TestClient | None = None,
    ) -> None:
        self.access = Access("the token", HOSTS, "http", lambda: 1000.0)
        self.client = client or TestClient(
            Review(path, self.access, now).app(), ORIGIN, follow_redirects=False
        )
        self.log_in(role)

    def log_in(self, role: Role) -> None:
        answer = self.client.post("/login", data={"token": "the token"}, headers={"origin": ORIGIN})
        assert answer.status_code == 303
        self.access.sessions[self.client.cookies[self.access.cookie]].person = Person(
            f"a {role}", role
        )

    def get(self, where: str, status: int = 200) -> str:
        """The page's HTML."""
        answer = self.client.get(where)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, where: str, fields: dict[str, str], **more: object) -> Response:
        """Fields as they are."""
        return self.client.post(where, data=fields, headers={"origin": ORIGIN}, **more)  # type: ignore[arg-type]

    def send(self, page: str, action: str, /, **fields: str) -> Response:
        """The form with this action, of a page's HTML, with what it has filled in and what he fills in."""
        return self.post(action, {**form_of(page, action), **fields})

    def csrf(self) -> str:
        return form_of(self.get("/"), "/logout")["csrf"]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self._open: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = self.found.setdefault(given.get("action", ""), {})
        elif tag == "input" and self._open is not None and "name" in given:
            is_tick = given.get("type") in ("radio", "checkbox")
            if "checked" in given or not is_tick:
                self._open[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def form_of(page: str, action: str) -> dict[str, str]:
    """The fields of a form as the page filled them in."""
    parser = _Forms()
    parser.feed(page)
    assert action in parser.found, (action, list(parser.found))
    return parser.found[action]
