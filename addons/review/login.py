"""The one form without a session: a secret is what it proves."""

from __future__ import annotations

from jinja2 import Template
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from addons.review.access import COOKIE, KNOWN_COOKIE, Access, TooManyError

_KNOWN_SECONDS = 30 * 24 * 3600


class Login:
    """The page at /login."""

    def __init__(self, access: Access, template: Template) -> None:
        self._access = access
        self._template = template

    async def __call__(self, request: Request) -> Response:
        """GET shows the form, POST lets in."""
        if request.method != "POST":
            return self._form("", 200)
        async with request.form(max_files=0, max_fields=20) as form:
            given = form.get("token", "")
        secret = given.strip() if isinstance(given, str) else ""
        try:
            session = await self._access.log_in(secret, request)
        except TooManyError as error:
            return self._form(str(error), 429, error.headers)
        if session is not None:
            return self._let_in(request, session)
        return self._form("That is not the token.", 403)

    def _form(self, problem: str, status: int, headers: dict[str, str] | None = None) -> Response:
        return HTMLResponse(self._template.render(problem=problem), status, headers)

    def _let_in(self, request: Request, session: str) -> Response:
        answer = RedirectResponse("/", 303)
        for name, value, age in (
            (COOKIE, session, None),
            (KNOWN_COOKIE, self._access.know(request), _KNOWN_SECONDS),
        ):
            answer.set_cookie(
                name, value, age, httponly=True, samesite="strict",
                secure=self._access.scheme == "https",
            )  # fmt: skip
        return answer
