"""Where to ask about a host's logged certificates: one small interface, one class a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from detector.ct import certspotter, crtsh
from detector.ct.issuance import Issuance
from detector.errors import FetchError, WireError
from detector.model.observation import Observation
from detector.net.fetch import Fetched, Fetcher, Pace

_MAX_PAGES = 40


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said.

    Attributes:
        unchanged: the answer with the given ETag still holds; there are no issuances then.
        complete: the service was read to its end.
        connections: the way of every page.

    """

    issuances: tuple[Issuance, ...]
    connections: Sequence[Observation | None]
    complete: bool = True
    unchanged: bool = False
    etag: str | None = None


class Source(Protocol):
    """A query service.

    Attributes:
        name: as stored and shown.
        ttl: seconds for which an answer is fresh.

    """

    name: str
    ttl: int

    async def ask(self, host: str, fetch: Fetcher, etag: str | None) -> Answer:
        """Unexpired logged certificates for `host`, wildcards above it included.

        Raises FetchError, also for an answer that cannot be read.
        """


class CertSpotter:
    """SSLMate's Cert Spotter: gives the issuers' keys. Without a token, few requests an hour.

    Args:
        token: sent as a Bearer token; never shown.
        base: where the service is.

    """

    name = "certspotter"
    ttl = 24 * 3600

    def __init__(
        self, token: str | None = None, base: str = certspotter.BASE, interval: float = 0.8
    ) -> None:
        self._token = token
        self._base = base
        self._pace = Pace(interval)

    async def ask(self, host: str, fetch: Fetcher, etag: str | None) -> Answer:
        found: list[Issuance] = []
        connections: list[Observation | None] = []
        after: str | None = None
        first_etag: str | None = None
        for number in range(_MAX_PAGES):
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            if etag is not None and number == 0:
                headers["If-None-Match"] = etag
            url = certspotter.page_url(self._base, host, after)
            page = await fetch.get(
                url, limit=certspotter.MAX_PAGE, headers=headers, pace=self._pace
            )
            connections.append(page.connection)
            if page.status == 304:
                return Answer((), connections, unchanged=True, etag=etag)
            issuances = _read(page, certspotter.parse_page)
            if not issuances:
                # Only a list of one page has a mark that stands for the whole of it.
                mark = first_etag if number < 2 else None
                return Answer(tuple(found), connections, etag=mark)
            if number == 0:
                first_etag = page.headers.get("etag")
            found += issuances
            if issuances[-1].id == after:
                raise FetchError(self._base, "gives the same page again")
            after = issuances[-1].id
        return Answer(tuple(found), connections, complete=False)


class CrtSh:
    """Sectigo's crt.sh: names of issuers only; slow and often failing, so it is asked last."""

    name = "crt.sh"
    ttl = 24 * 3600

    def __init__(self, base: str = crtsh.BASE, interval: float = 1.5) -> None:
        self._base = base
        self._pace = Pace(interval)

    async def ask(self, host: str, fetch: Fetcher, etag: str | None) -> Answer:  # noqa: ARG002 (it has no ETags)
        found: list[Issuance] = []
        connections: list[Observation | None] = []
        parent = host.partition(".")[2]
        for name in (host, f"*.{parent}") if "." in parent else (host,):
            url = crtsh.query_url(self._base, name)
            page = await fetch.get(url, limit=crtsh.MAX_ANSWER, pace=self._pace)
            connections.append(page.connection)
            found += _read(page, crtsh.parse_answer)
        return Answer(tuple(found), connections)


def _read(page: Fetched, parse: _Parse) -> tuple[Issuance, ...]:
    try:
        return parse(page.body)
    except WireError as error:
        raise FetchError(page.url.partition("?")[0], error.message, status=page.status) from None


class _Parse(Protocol):
    def __call__(self, body: bytes, /) -> tuple[Issuance, ...]: ...
