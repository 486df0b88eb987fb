"""Look-ups against a service that speaks Cert Spotter's and crt.sh's forms over real HTTPS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from detector.knowledge.ct_store import CtStore
from detector.lab.answer import Answer, Request
from detector.lab.pki import Credential, LabPki
from detector.lab.web import Web
from detector.lookup.issuers import HostIssuers, LookupDesk
from detector.lookup.source import CertSpotter, CrtSh
from detector.net.fetch import Fetcher, FetchOptions
from tests.conftest import NOW

ONE, TWO, LEAF = "1" * 64, "2" * 64, "3" * 64


def row(number: int, *names: str, spki: str = ONE) -> dict[str, Any]:
    return {
        "id": str(number), "dns_names": list(names), "pubkey_sha256": LEAF,
        "not_before": (NOW - timedelta(days=30)).isoformat(),
        "not_after": (NOW + timedelta(days=30)).isoformat(),
        "issuer": {"name": f"C=US, O=CA, CN=CA {spki[0]}", "pubkey_sha256": spki},
    }  # fmt: skip


class Service:
    """Answers like both services. `pages` are Cert Spotter's, each but the last followed."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = [*pages, []]
        self.status = 200
        self.etag: str | None = None
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()
        }
        if "/crtsh" in request.target:
            return self._crtsh(query["q"])
        if self.status != 200:
            return Answer(status=self.status)
        if self.etag is not None and request.headers.get("if-none-match") == self.etag:
            return Answer(status=304)
        number = 0
        if "after" in query:
            ends = [page[-1]["id"] if page else None for page in self.pages]
            number = ends.index(query["after"]) + 1
        headers = {"ETag": self.etag} if self.etag else {}
        return Answer(json.dumps(self.pages[number]).encode(), headers=headers)

    def _crtsh(self, name: str) -> Answer:
        found = [
            {
                "id": int(entry["id"]),
                "issuer_name": entry["issuer"]["name"],
                "name_value": "\n".join(entry["dns_names"]),
                "not_before": entry["not_before"],
                "not_after": entry["not_after"],
            }
            for page in self.pages
            for entry in page
            if name in entry["dns_names"]
        ]
        return Answer(json.dumps(found).encode())


Ask = Callable[[LookupDesk], Awaitable[Any]]


@pytest.fixture
def visit(world: LabPki, store: CtStore, asking: FetchOptions) -> Callable[..., Any]:
    """`visit(service, ask)`: a desk in front of the service; `shown` is the service's own leaf."""

    def go(
        service: Service,
        ask: Ask,
        *,
        shown: Credential | None = None,
        now: datetime = NOW,
        token: str | None = None,
    ) -> Any:
        async def run() -> Any:
            async with AsyncExitStack() as stack:
                web = Web(shown or world.issue("127.0.0.1"), service)
                await stack.enter_async_context(web)
                fetch = await stack.enter_async_context(Fetcher(asking))
                base = f"https://127.0.0.1:{web.port}"
                sources = (
                    CertSpotter(token, base=f"{base}/spotter", interval=0),
                    CrtSh(base=f"{base}/crtsh", interval=0),
                )
                desk = LookupDesk(sources, store, fetch, world.knowledge(), lambda: now)
                return await ask(desk)

        return asyncio.run(run())

    return go


def test_pages_are_followed_to_the_end_and_stored(
    visit: Callable[..., HostIssuers], store: CtStore
) -> None:
    service = Service([row(1, "a.com"), row(2, "a.com")], [row(3, "a.com", spki=TWO)])
    found = visit(service, lambda desk: desk.look_up("a.com"))
    (answer,) = found.answers
    assert [(i.spki_sha256, i.certificates) for i in answer.issuers] == [(ONE, 2), (TWO, 1)]
    assert (answer.trusted, answer.complete, answer.leaf_keys) == (True, True, (LEAF,))
    assert len(service.asked) == 3
    known = store.find("a.com")
    assert known is not None
    assert known.spki == {ONE, TWO}


def test_a_fresh_answer_is_not_asked_for_again(visit: Callable[..., HostIssuers]) -> None:
    service = Service([row(1, "a.com")])
    visit(service, lambda desk: desk.look_up("a.com"))
    count = len(service.asked)
    again = visit(service, lambda desk: desk.look_up("a.com"), now=NOW + timedelta(hours=23))
    assert (again.asked, len(service.asked)) == (False, count)
    later = visit(service, lambda desk: desk.look_up("a.com"), now=NOW + timedelta(hours=25))
    assert later.asked
    forced = visit(service, lambda desk: desk.look_up("a.com", refresh=True))
    assert forced.asked
    offline = visit(
        service, lambda desk: desk.look_up("a.com", offline=True), now=NOW + timedelta(days=9)
    )
    assert (offline.asked, offline.answers[0].stale) == (False, True)


def test_that_no_log_knows_a_host_is_an_answer(visit: Callable[..., HostIssuers]) -> None:
    service = Service()
    found = visit(service, lambda desk: desk.look_up("a.com"))
    assert (found.usable, found.answers[0].issuers) == (True, ())
    visit(service, lambda desk: desk.look_up("a.com"))
    assert len(service.asked) == 1


def test_an_etag_saves_the_second_reading(visit: Callable[..., HostIssuers]) -> None:
    service = Service([row(1, "a.com")])
    service.etag = '"v1"'
    first = visit(service, lambda desk: desk.look_up("a.com"))
    second = visit(
        service, lambda desk: desk.look_up("a.com", refresh=True), now=NOW + timedelta(1)
    )
    assert second.answers[0].issuers == first.answers[0].issuers
    assert second.answers[0].fetched == NOW + timedelta(1)
    assert service.asked[-1].headers["if-none-match"] == '"v1"'


def test_when_one_service_is_down_the_next_is_asked_for_names(
    visit: Callable[..., HostIssuers], store: CtStore
) -> None:
    service = Service([row(1, "a.com"), row(2, "*.com")])
    service.status = 502
    found = visit(service, lambda desk: desk.look_up("a.com"))
    assert "answers 502" in found.problems[0]
    assert [(a.source, a.issuers[0].spki_sha256) for a in found.answers] == [("crt.sh", None)]
    known = store.find("a.com")
    assert known is not None
    assert (known.names, known.spki) == ({"CA 1"}, frozenset())


def test_when_nobody_answers_the_stale_answer_is_used_and_marked(
    visit: Callable[..., HostIssuers],
) -> None:
    visit(Service([row(1, "a.com")]), lambda desk: desk.look_up("a.com"))

    class Down(Service):
        def __call__(self, request: Request) -> Answer:
            return Answer(status=503)

    found = visit(Down(), lambda desk: desk.look_up("a.com"), now=NOW + timedelta(days=3))
    assert len(found.problems) == 2
    assert (found.usable, found.answers[0].stale) == (True, True)


def test_what_comes_over_a_connection_that_nobody_vouches_for_does_not_count(
    visit: Callable[..., HostIssuers], store: CtStore, world: LabPki
) -> None:
    """Its path is public and verifies, but the leaf was never logged."""
    shown = world.issue("127.0.0.1", logs=())
    poisoned = Service([row(1, "a.com", spki=TWO)])
    found = visit(poisoned, lambda desk: desk.look_up("a.com"), shown=shown)
    assert not found.usable
    assert (
        "certspotter's answer does not count: the connection to 127.0.0.1 is consistent (sct-missing)"
        in (found.problems[0])
    )
    assert [answer.trusted for answer in found.answers] == [False, False]
    assert store.find("a.com") is None


def test_poison_never_replaces_what_was_known(
    visit: Callable[..., HostIssuers], store: CtStore, world: LabPki
) -> None:
    visit(Service([row(1, "a.com")]), lambda desk: desk.look_up("a.com"))
    shown = world.issue("127.0.0.1", logs=())
    poisoned = Service([row(1, "a.com", spki=TWO)])
    found = visit(poisoned, lambda desk: desk.look_up("a.com", refresh=True), shown=shown)
    known = store.find("a.com")
    assert known is not None
    assert known.spki == {ONE}
    assert [answer.trusted for answer in found.answers] == [True, False, False]


def test_a_token_goes_to_its_service_alone(visit: Callable[..., HostIssuers]) -> None:
    service = Service()
    service.status = 403
    found = visit(service, lambda desk: desk.look_up("www.a.com"), token="hush")
    assert service.asked[0].headers["authorization"] == "Bearer hush"
    assert all("authorization" not in request.headers for request in service.asked[1:])
    assert "hush" not in str(found)


def test_a_service_that_never_ends_is_left(visit: Callable[..., HostIssuers]) -> None:
    class Loop(Service):
        def __call__(self, request: Request) -> Answer:
            self.asked.append(request)
            return Answer(json.dumps([row(len(self.asked), "a.com")]).encode())

    service = Loop()
    found = visit(service, lambda desk: desk.look_up("a.com"))
    assert not found.answers[0].complete
    assert len(service.asked) == 40


def test_a_service_that_gives_the_same_page_again_is_left(
    visit: Callable[..., HostIssuers],
) -> None:
    class Same(Service):
        def __call__(self, request: Request) -> Answer:
            if "/crtsh" in request.target:
                return Answer(b"[]")
            return Answer(json.dumps([row(1, "a.com")]).encode())

    found = visit(Same(), lambda desk: desk.look_up("a.com"))
    assert "gives the same page again" in found.problems[0]


def test_many_hosts_are_looked_up_and_a_second_run_goes_on_where_the_first_ended(
    visit: Callable[..., list[HostIssuers]],
) -> None:
    hosts = [f"h{number}.com" for number in range(20)]
    service = Service([row(n, host) for n, host in enumerate(hosts)])

    async def all_of(desk: LookupDesk, which: list[str]) -> list[HostIssuers]:
        return [found async for found in desk.look_up_all(which)]

    first = visit(service, lambda desk: all_of(desk, hosts[:12]))
    assert {found.host for found in first} == set(hosts[:12])
    second = visit(service, lambda desk: all_of(desk, hosts))
    assert {found.host for found in second if found.asked} == set(hosts[12:])
