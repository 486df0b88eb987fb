"""The one form without a session: a name and a secret are what it proves."""

from __future__ import annotations

from jinja2 import Template
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from addons.review.access import Access, TooManyError
from addons.review.forwarded import StrangerError

_KNOWN_SECONDS = 30 * 24 * 3600


class Login:
    """The page at /login."""

    def __init__(self, access: Access, template: Template) -> None:
        self._access = access
        self._template = template

    async def __call__(self, request: Request) -> Response:
        """GET shows the form, POST lets in."""
        access = self._access
        try:
            if request.method != "POST":
                there = access.session(request) is not None
                return RedirectResponse("/", 303) if there else self._form("", 200)
            async with request.form(max_files=0, max_fields=20) as form:
                name, secret = (
                    value if isinstance(value := form.get(field), str) else ""
                    for field in ("user", "token")
                )
            if access.users is None:
                secret = secret.strip()  # a token is copied with what is around it
            session = await access.log_in(secret, request, name.strip())
        except StrangerError as error:
            return self._form(f"Refused: {error}.", 403)
        except TooManyError as error:
            return self._form(str(error), 429, error.headers)
        if session is not None:
            return self._let_in(request, session)
        named = "These are not a user and his password."
        return self._form("That is not the token." if access.users is None else named, 403)

    def _form(self, problem: str, status: int, headers: dict[str, str] | None = None) -> Response:
        access = self._access
        page = self._template.render(
            problem=problem,
            named=access.users is not None,
            guessable=access.guessable,
            closed=access.users is None and access.secret is None,
        )
        return HTMLResponse(page, status, headers)

    def _let_in(self, request: Request, session: str) -> Response:
        answer = RedirectResponse("/", 303)
        for name, value, age in (
            (self._access.cookie, session, None),
            (self._access.known_cookie, self._access.know(request, session), _KNOWN_SECONDS),
        ):
            answer.set_cookie(
                name, value, age, httponly=True, samesite="strict",
                secure=self._access.is_secure(request),
            )  # fmt: skip
        return answer
