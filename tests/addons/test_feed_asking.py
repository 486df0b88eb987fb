"""Asking a feed's source: a real HTTPS server whose lists change, go back, are huge, redirect, are signed or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from addons.bypass.feed import MAX_BYTES, Settings
from addons.bypass.feed_sources import sources
from addons.cli.feed_asking import SHIPPED, check_url, file_answer, shipped_answer, take, update
from addons.store.bypass_store import BypassStore
from detector.errors import ConfigError, FetchError, RefusedError
from detector.lab.answer import Answer, Request
from detector.lab.pki import LabPki
from detector.lab.web import Web
from detector.net.fetch import Fetcher, FetchOptions
from tests.addons.conftest import Clock
from tests.cli.conftest import running

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = PRIVATE.public_key().public_bytes_raw().hex()


class World:
    """One feed "x" at a server that answers from `paths`, by path or by a function of the request."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.pki = LabPki()
        self.trust = folder / "root.pem"
        self.trust.write_text(self.pki.root.pem)
        self.clock = clock
        self.store = BypassStore(folder / "b.sqlite3", clock)
        self.paths: dict[str, Answer | Callable[[Request], Answer]] = {}
        self.asked: list[Request] = []
        self.port = 0
        self.key: str | None = None
        self.form, self.path = "list", "/a.txt?token=1"
        self.auto: int | None = None

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        found = self.paths.get(request.target.partition("?")[0], Answer(status=404))
        return found(request) if callable(found) else found

    def update(self, *, trust: Path | None = None, older: bool = False) -> str:
        """Ask once, as the settings are now."""
        options = FetchOptions(trust=trust or self.trust, timeout=5, attempts=1)

        async def run() -> str:
            async with Fetcher(options) as fetch:
                return await update(self.store.feeds, "x", fetch, self.clock(), older=older)

        self.settle()
        return asyncio.run(run())

    def settle(self) -> None:
        """Decide on the settings where they are not as they should be."""
        source = f"https://127.0.0.1:{self.port}{self.path}"
        settings = Settings(source, self.form, owner="net", key=self.key, auto=self.auto)
        known = self.store.feeds.all().get("x")
        if known is None:
            self.store.feeds.add("x", settings)
        elif known.settings != settings:
            self.store.feeds.set("x", settings)

    def put(self, *lines: str, **headers: str) -> None:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.paths["/a.txt"] = Answer("".join(f"{one}\n" for one in lines).encode(), headers=names)

    @property
    def in_force(self) -> list[str]:
        return [rule.pattern for rule in self.store.feeds.rules()]

    @property
    def trouble(self) -> str:
        return self.store.feeds.one("x").trouble


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[World]:
    found = World(tmp_path, clock)
    server = Web(found.pki.issue("127.0.0.1"), found.answer)
    with found.store, running(server) as web:
        found.port = web.port
        yield found


def accepted(world: World, *lines: str, **headers: str) -> None:
    world.put(*lines, **headers)
    assert "wait" in world.update()
    world.store.feeds.accept("x")
    assert world.in_force == list(lines)


def test_a_list_is_asked_for_again_only_where_it_changed(world: World) -> None:
    def conditional(request: Request) -> Answer:
        if request.headers.get("if-none-match") == '"1"':
            return Answer(status=304)
        return Answer(b"a.vendor.example\n", headers={"ETag": '"1"'})

    world.paths["/a.txt"] = conditional
    assert "1 rules wait" in world.update()
    assert world.update() == "unchanged, and still waits"
    world.store.feeds.accept("x")
    assert world.update() == "unchanged"
    assert world.in_force == ["a.vendor.example"]
    assert world.asked[0].target == "/a.txt?token=1"


def test_a_changed_list_waits_and_one_that_goes_back_to_what_is_in_force_waits_no_more(
    world: World,
) -> None:
    accepted(world, "a.vendor.example")
    world.put("a.vendor.example", "b.vendor.example")
    assert "wait" in world.update()
    assert world.in_force == ["a.vendor.example"]
    world.put("a.vendor.example")
    assert world.update() == "unchanged"
    assert world.store.feeds.one("x").waiting is None


def test_a_small_change_is_in_force_at_once_where_that_was_decided(world: World) -> None:
    world.auto = 1
    accepted(world, "a.vendor.example")
    world.put("a.vendor.example", "b.vendor.example")
    assert world.update() == "2 rules in force"


def test_the_last_good_list_stays_where_the_server_says_an_older_time(world: World) -> None:
    accepted(world, "a.vendor.example", Last_Modified="Mon, 23 Nov 2026 10:00:00 GMT")
    world.put("b.vendor.example", Last_Modified="Sun, 22 Nov 2026 10:00:00 GMT")
    with pytest.raises(ConfigError, match="older than the last good list"):
        world.update()
    assert world.in_force == ["a.vendor.example"]
    assert "older" in world.trouble
    assert "wait" in world.update(older=True)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(status=500), "answers 500"),
        (Answer(status=403), "answers 403"),
        (Answer(b"x" * (MAX_BYTES + 1)), "more than"),
        (Answer(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), "packed"),
        (Answer(status=304), "answers 304"),
    ],
)
def test_what_does_not_come_changes_nothing(world: World, answer: Answer, why: str) -> None:
    accepted(world, "a.vendor.example")
    world.paths["/a.txt"] = answer
    with pytest.raises(FetchError, match=why):
        world.update()
    assert world.in_force == ["a.vendor.example"]
    assert why in world.trouble
    assert "token" not in world.trouble
    world.put("a.vendor.example")
    world.update()
    assert world.trouble == ""


@pytest.mark.parametrize("body", [b"", b"<html>Sign in</html>", b".com\n0.0.0.0/0\n", b"\xff"])
def test_what_is_no_list_changes_nothing_and_is_noted(world: World, body: bytes) -> None:
    accepted(world, "a.vendor.example")
    world.paths["/a.txt"] = Answer(body)
    with pytest.raises(ConfigError):
        world.update()
    assert world.in_force == ["a.vendor.example"]
    assert [one.action for one in world.store.audit()][-1] == "feed refuse"


def test_who_answers_must_be_trusted(world: World, tmp_path: Path) -> None:
    world.put("a.vendor.example")
    (tmp_path / "other.pem").write_text(LabPki().root.pem)
    with pytest.raises(FetchError, match="not trusted"):
        world.update(trust=tmp_path / "other.pem")
    assert world.store.feeds.one("x").waiting is None


def test_an_unsigned_list_is_not_fetched_from_where_a_redirect_leads(world: World) -> None:
    world.paths["/a.txt"] = Answer(status=302, headers={"Location": "/b.txt"})
    world.paths["/b.txt"] = Answer(b"a.vendor.example\n")
    with pytest.raises(FetchError, match="answers 302"):
        world.update()
    assert [one.target for one in world.asked] == ["/a.txt?token=1"]


def sign(world: World, serial: int, name: str = "a.vendor.example") -> None:
    data = f'[feed]\nserial = {serial}\n[[rule]]\nhost = "{name}"\n'.encode()
    world.form, world.key, world.path = "toml", KEY, "/a.toml"
    world.paths["/a.toml"] = Answer(data)
    world.paths["/a.toml.sig"] = Answer(PRIVATE.sign(data).hex().encode())


def test_a_signed_list_follows_a_redirect_and_is_held_to_its_signature(world: World) -> None:
    sign(world, 1)
    world.paths["/there.toml"] = world.paths["/a.toml"]
    world.paths["/a.toml"] = Answer(status=302, headers={"Location": "/there.toml"})
    assert "1 rules wait" in world.update()
    waiting = world.store.feeds.one("x").waiting
    assert waiting is not None
    assert waiting.signed is not None
    assert KEY[:16] in waiting.signed


def test_a_redirect_of_a_signed_list_leads_nowhere_inside_and_to_nothing_without_tls(
    world: World,
) -> None:
    sign(world, 1)
    world.paths["/a.toml"] = Answer(
        status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"}
    )
    with pytest.raises(RefusedError):
        world.update()

    with running(Web(None, lambda _: Answer(b"a.vendor.example\n"))) as plain:
        there = f"http://127.0.0.1:{plain.port}/"
        world.paths["/a.toml"] = Answer(status=302, headers={"Location": there})
        with pytest.raises(FetchError, match="not https"):
            world.update()
    assert world.store.feeds.one("x").waiting is None


def test_a_signature_that_fails_or_is_missing_leaves_the_last_good_list(world: World) -> None:
    sign(world, 1)
    world.update()
    world.store.feeds.accept("x")
    good = dict(world.paths)
    sign(world, 2, "evil.vendor.example")
    world.paths["/a.toml.sig"] = good["/a.toml.sig"]
    with pytest.raises(ConfigError, match="not made over this list"):
        world.update()
    del world.paths["/a.toml.sig"]
    with pytest.raises(FetchError, match="404"):
        world.update()
    world.paths["/a.toml.sig"] = Answer(b"x" * 5000)
    with pytest.raises(FetchError, match="more than 4096"):
        world.update()
    assert world.in_force == ["a.vendor.example"]


def test_an_older_list_with_its_own_good_signature_is_a_replay(world: World) -> None:
    sign(world, 5)
    world.update()
    world.store.feeds.accept("x")
    sign(world, 4, "old.vendor.example")
    with pytest.raises(ConfigError, match="number 4, older than the last good list, number 5"):
        world.update()
    sign(world, 5, "other.vendor.example")
    with pytest.raises(ConfigError, match="same number"):
        world.update()
    assert world.in_force == ["a.vendor.example"]
    sign(world, 6, "next.vendor.example")
    assert "wait" in world.update()


def microsoft(world: World, version: str, *urls: str) -> None:
    world.form, world.path = "m365", "/endpoints/worldwide"
    sets = [{"id": 1, "serviceArea": "Exchange", "urls": list(urls), "tcpPorts": "80,443",
             "category": "Optimize"}]  # fmt: skip
    said = json.dumps({"instance": "Worldwide", "latest": version}).encode()
    world.paths["/version/worldwide"] = Answer(said)
    world.paths["/endpoints/worldwide"] = Answer(json.dumps(sets).encode())


def test_microsofts_list_is_fetched_only_when_its_version_is_another_one(world: World) -> None:
    microsoft(world, "2026100100", "outlook.cloud.microsoft", "*.protection.outlook.com")
    assert "2 rules wait" in world.update()
    assert world.update() == "unchanged, and still waits"
    world.store.feeds.accept("x")
    assert world.update() == "unchanged"
    paths = [one.target.partition("?")[0] for one in world.asked]
    assert paths.count("/endpoints/worldwide") == 1
    assert all("clientrequestid=" in one.target for one in world.asked)
    microsoft(world, "2026110100", "outlook.cloud.microsoft")
    assert "1 rules wait" in world.update()


def test_microsofts_version_cannot_go_back_and_must_be_one(world: World) -> None:
    microsoft(world, "2026100100", "outlook.cloud.microsoft")
    world.update()
    world.store.feeds.accept("x")
    microsoft(world, "2026090100", "old.cloud.microsoft")
    with pytest.raises(ConfigError, match="older"):
        world.update()
    for bad in (b"[]", b'{"latest": 7}', b'{"latest": "x"}', b'{"latest": "-1"}', b"{"):
        world.paths["/version/worldwide"] = Answer(bad)
        with pytest.raises(FetchError, match="says no version"):
            world.update()
    assert world.in_force == ["outlook.cloud.microsoft:443"]


def test_the_names_that_are_shipped_are_as_fresh_as_the_page_was(world: World) -> None:
    async def run() -> str:
        async with Fetcher() as fetch:
            return await update(world.store.feeds, "apple", fetch, world.clock())

    world.store.feeds.add("apple", Settings(SHIPPED, "toml", owner="net"))
    assert "rules wait" in asyncio.run(run())
    world.store.feeds.accept("apple")
    assert asyncio.run(run()) == "unchanged"
    feed = world.store.feeds.one("apple")
    assert feed.confirmed is not None
    assert feed.confirmed.date() == sources()["apple"].read
    with pytest.raises(ConfigError, match="not among the names"):
        shipped_answer("aws")


def test_a_list_from_a_file_needs_its_signature_beside_it(world: World, tmp_path: Path) -> None:
    sign(world, 3)
    world.settle()
    answer = world.paths["/a.toml"]
    assert isinstance(answer, Answer)
    path = tmp_path / "list.toml"
    path.write_bytes(answer.body)
    settings = world.store.feeds.one("x").settings
    with pytest.raises(ConfigError, match=r"list\.toml\.sig"):
        file_answer(path, settings)
    (tmp_path / "list.toml.sig").write_bytes(PRIVATE.sign(answer.body))
    text = take(world.store.feeds, "x", file_answer(path, settings), world.clock())
    assert "1 rules wait" in text


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "ftp://a.example/", "https://", "https://u:p@a.example/", "https://a.example/#x", "https://[::1/", "https://a.example:99999/"],
)  # fmt: skip
def test_only_https_urls_without_a_login_are_asked(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_url(url)
    assert "u:p" not in str(caught.value)


def test_an_https_url_is_asked() -> None:
    check_url("https://lists.example:8443/a?b=c")
