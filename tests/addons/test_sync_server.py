"""The centre over HTTPS: what a gateway's token opens, and nothing else."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from addons.sync.enrolment import Enrolment, enrolled, revoke
from addons.sync.gateway import Gateway
from addons.sync.https_shelf import HttpsShelf
from addons.sync.reports import MAX_BATCH, WINDOW
from addons.sync.server import Counter, prepared
from addons.sync.shelf import FolderShelf
from detector.errors import ConfigError, FetchError
from detector.lab.pki import LabPki
from tests.addons.conftest import Clock
from tests.addons.learning_attacks import refuses
from tests.addons.sync_places import CentrePlace, GatewayPlace, close_all

Asked = Callable[[str, Path], Awaitable[None]]


@pytest.fixture
def centre(tmp_path: Path, clock: Clock) -> CentrePlace:
    return CentrePlace(tmp_path / "centre", clock)


@pytest.fixture
def roots(pki: LabPki, tmp_path: Path) -> Path:
    path = tmp_path / "roots.pem"
    path.write_text(pki.root.pem)
    return path


@pytest.fixture
def shown(pki: LabPki, tmp_path: Path) -> Path:
    return pki.issue("127.0.0.1").write(tmp_path / "centre.pem")


@asynccontextmanager
async def serving(centre: CentrePlace, shown: Path) -> AsyncIterator[str]:
    counter = Counter(FolderShelf(centre.shelf), lambda: enrolled(centre.path))
    server, start, url = prepared(counter, "127.0.0.1:0", shown)
    running = start()
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield url
    finally:
        server.should_exit = True
        await running
        close_all()


def asked(centre: CentrePlace, shown: Path, ask: Callable[[str], Awaitable[None]]) -> None:
    async def go() -> None:
        async with serving(centre, shown) as url:
            await ask(url)

    asyncio.run(go())


async def status(url: str, roots: Path, method: str, name: str, token: str) -> int:
    """Of a request whose path nobody has tidied up."""
    context = ssl.create_default_context(cafile=str(roots))
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    head = f"{method} /v1/{name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    writer.write(f"{head}Content-Length: 1\r\nConnection: close\r\n\r\nx".encode())
    line = await reader.readline()
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


def test_a_round_over_https_is_a_round(
    centre: CentrePlace, clock: Clock, tmp_path: Path, shown: Path, roots: Path
) -> None:
    north = GatewayPlace(tmp_path / "north", clock, centre.enrol("north"))
    centre.passes("bank.example")
    north.sees([refuses("10.0.0.1", clock(), "a.example")] * 3)

    async def ask(url: str) -> None:
        shelf = HttpsShelf(url, north.enrolment.token, roots)
        gateway = Gateway(north.store, shelf, north.enrolment, clock)
        assert (await gateway.round()).trouble == ("the centre has not published a list yet",)
        await centre.centre.round()
        done = await gateway.round()
        assert (done.taken, done.trouble) == (centre.store.revision(), ())
        await centre.centre.round()
        assert (await gateway.round()).trouble == ()
        assert north.patterns == {"bank.example"}
        assert centre.count("a.example") == 3
        assert north.store.gateways.waiting()[0] == 0
        # A token that was revoked opens nothing, and the list stays.
        revoke(centre.path, "north")
        done = await gateway.round()
        assert "the token was revoked or is another centre's" in done.trouble[0]
        assert north.patterns == {"bank.example"}
        await shelf.close()

    asked(centre, shown, ask)


def test_a_token_opens_the_list_and_its_own_places_alone(
    centre: CentrePlace, shown: Path, roots: Path
) -> None:
    north, south = centre.enrol("north"), centre.enrol("south")
    centre.passes("bank.example")
    centre.round()
    (centre.shelf / "gateways/south").mkdir(parents=True)
    (centre.shelf / "gateways/south/report").write_bytes(b"secret")
    (centre.shelf.parent / "outside").write_bytes(b"secret")
    listed = next((centre.shelf / "centre").glob("list-*")).name

    async def ask(url: str) -> None:
        shelf = HttpsShelf(url, north.token, roots)
        assert await shelf.get("centre/head", 4096)
        assert await shelf.get(f"centre/{listed}", 4096)
        assert await shelf.get("centre/list-" + "0" * 64, 4096) is None
        await shelf.put("gateways/north/report", b"mine")
        assert await shelf.list("gateways/north") == ["gateways/north/report"]
        for name in (
            "gateways/south/report", "gateways/south/", "gateways/north/report", "centre/", "",
            "../outside", "centre/../../outside", "gateways/north/../south/report", "centre/head/",
            "centre/list-..%2f..%2foutside", "%2e%2e/outside", "/etc/passwd", "centre/head%00",
        ):  # fmt: skip
            assert await status(url, roots, "GET", name, north.token) in (403, 404), name
            if name != "gateways/north/report":
                assert await status(url, roots, "PUT", name, north.token) in (403, 404), name
        for method in ("POST", "DELETE", "HEAD", "PATCH"):
            assert await status(url, roots, method, "centre/head", north.token) in (200, 405)
        for name in (
            "centre/head", f"centre/{listed}", "gateways/south/report", "gateways/south/batch-1",
            "gateways/north/other", "gateways/north/batch-", "gateways/north/batch-" + "1" * 17,
            "gateways/north/../south/report", "outside", "gateways/north/report/x",
        ):  # fmt: skip
            with pytest.raises(FetchError) as error:
                await shelf.put(name, b"x")
            assert error.value.status == 403, name
        assert (centre.shelf / "gateways/south/report").read_bytes() == b"secret"
        await shelf.close()
        for token in ("", "x", south.token[:-1], south.token + "x", "x" * 9000):
            other = HttpsShelf(url, token, roots)
            with pytest.raises(FetchError) as error:
                await other.get("centre/head", 4096)
            assert error.value.status in (400, 401, None)
            await other.close()

    asked(centre, shown, ask)


def test_what_is_put_is_bounded_in_size_and_number(
    centre: CentrePlace, shown: Path, roots: Path
) -> None:
    north = centre.enrol("north")

    async def ask(url: str) -> None:
        shelf = HttpsShelf(url, north.token, roots)
        with pytest.raises(FetchError) as error:
            await shelf.put("gateways/north/batch-1", b"x" * (MAX_BATCH + 1))
        assert error.value.status in (413, None)
        for number in range(2 * WINDOW):
            await shelf.put(f"gateways/north/batch-{number}", b"x")
        with pytest.raises(FetchError) as error:
            await shelf.put("gateways/north/batch-99", b"x")
        assert error.value.status == 429
        await shelf.put("gateways/north/batch-3", b"again")
        await shelf.close()
        there = list((centre.shelf / "gateways/north").iterdir())
        assert len(there) == 2 * WINDOW

    asked(centre, shown, ask)


def test_a_centre_that_nobody_vouches_for_is_not_asked(
    centre: CentrePlace, shown: Path, tmp_path: Path, clock: Clock
) -> None:
    north = GatewayPlace(tmp_path / "north", clock, centre.enrol("north"))
    strange = tmp_path / "strange.pem"
    strange.write_text(LabPki().root.pem)

    async def ask(url: str) -> None:
        shelf = HttpsShelf(url, north.enrolment.token, strange)
        done = await Gateway(north.store, shelf, north.enrolment, clock).round()
        assert "its certificate is not trusted" in done.trouble[0]
        assert "the last good list stays in force" in done.trouble[0]
        await shelf.close()

    asked(centre, shown, ask)


def test_who_says_nothing_does_not_keep_others_out(
    centre: CentrePlace, shown: Path, roots: Path
) -> None:
    north = centre.enrol("north")
    centre.round()

    async def ask(url: str) -> None:
        port = int(url.rpartition(":")[2])
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
        half = ssl.create_default_context()
        half.check_hostname, half.verify_mode = False, ssl.CERT_NONE
        shelf = HttpsShelf(url, north.token, roots)
        assert await shelf.get("centre/head", 4096)
        await shelf.close()
        for one in silent:
            one.close()

    asked(centre, shown, ask)


def test_a_certificate_that_is_none_is_one_line(centre: CentrePlace, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    counter = Counter(FolderShelf(centre.shelf), dict)
    with pytest.raises(ConfigError, match=r"bad\.pem: cannot be used"):
        prepared(counter, "127.0.0.1:0", tmp_path / "bad.pem")
    with pytest.raises(ConfigError, match="is no ADDRESS:PORT"):
        prepared(counter, "nowhere", tmp_path / "bad.pem")
    close_all()


def test_a_shelf_that_is_full_is_said(centre: CentrePlace, shown: Path, roots: Path) -> None:
    north: Enrolment = centre.enrol("north")

    class Full(FolderShelf):
        async def put(self, name: str, blob: bytes) -> None:
            from detector.errors import StoreError

            raise StoreError(name, "cannot be written: No space left on device")

    async def ask(_: str) -> None:
        counter = Counter(Full(centre.shelf), lambda: enrolled(centre.path))
        server, start, url = prepared(counter, "127.0.0.1:0", shown)
        running = start()
        while not server.started:
            await asyncio.sleep(0.01)
        shelf = HttpsShelf(url, north.token, roots)
        with pytest.raises(FetchError, match="the centre's shelf is full"):
            await shelf.put("gateways/north/report", b"x")
        await shelf.close()
        server.should_exit = True
        await running

    asked(centre, shown, ask)
