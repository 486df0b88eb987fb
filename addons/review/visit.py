"""What a page is given and gives back: a visit in, a template with its values or a place to go to out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request

from addons.bypass.shown import shown
from addons.review.people import Person
from detector.errors import ConfigError

if TYPE_CHECKING:  # what other pages than that of bypasses need not load
    from addons.store.bypass_store import BypassStore

MAX_TEXT = 500


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """One request by somebody who may be here, whichever page it is.

    Attributes:
        now: UTC, the same through the whole visit.
        form: the fields of a form that was sent; empty when a page is read.

    """

    request: Request
    now: datetime
    person: Person
    form: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def query(self, name: str, most: int = MAX_TEXT) -> str:
        """A value of the address, without spaces around it."""
        return self.request.query_params.get(name, "").strip()[:most]

    def field(self, name: str, most: int = MAX_TEXT) -> str:
        """A value of the form, as a page shows it. Raises ConfigError for one that is too long to be kept whole."""
        found = shown(self.form.get(name, "").strip())
        if len(found) > most:
            raise ConfigError(name, f"has {len(found):,} characters; {most:,} at most")
        return found

    def day(self, ago: int) -> str:
        """The day so many days ago."""
        return (self.now.date() - timedelta(days=ago)).isoformat()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visit(Call):
    """One at the page of bypasses.

    Attributes:
        two_person: what is wide and one person has approved waits for another.

    """

    store: BypassStore
    two_person: bool = False


class View(NamedTuple):
    """A template and what it is given."""

    template: str
    values: Mapping[str, object]
    status: int = 200


class Done(NamedTuple):
    """Where to go after a form, and what to say there."""

    where: str
    said: str = ""


Page = Callable[[Visit], View]
Deed = Callable[[Visit], Done | View]


def address(path: str, **query: object) -> str:
    """A path with its query; what is empty or None is left out."""
    kept = {name: value for name, value in query.items() if value not in ("", None, False)}
    return f"{path}?{urlencode(kept)}" if kept else path


def whole(text: str, name: str, low: int, high: int) -> int:
    """A whole number of a form. Raises ConfigError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and low <= int(text) <= high):
        raise ConfigError(name, f"{text[:20]!r} is no number between {low} and {high}")
    return int(text)


def page_number(visit: Call) -> int:
    """Of the address; the first one for nonsense."""
    text = visit.query("page", 9)
    return max(int(text), 1) if text.isascii() and text.isdecimal() else 1


async def read_form(request: Request, most: int) -> dict[str, str]:
    """Its fields as text; a file is the text that is in it. Raises ConfigError for one that is no UTF-8."""
    found: dict[str, str] = {}
    async with request.form(max_files=1, max_fields=40, max_part_size=most) as form:
        for key, value in form.items():
            if isinstance(value, UploadFile):
                body = await value.read(most)
                if not body:
                    continue
                try:
                    found[key] = body.decode("utf-8-sig")
                except UnicodeDecodeError:
                    raise ConfigError(value.filename or key, "is no UTF-8") from None
                found[f"{key}-name"] = (value.filename or "")[:200]
            else:
                found[key] = value
    return found
