"""Our own requests: verified, bounded, patient, and looked at. Against a real HTTPS server."""

from __future__ import annotations

import asyncio
import gzip
import logging
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import zstandard

from detector.errors import ConfigError, FetchError, RefusedError
from detector.judging.judge import judge_all
from detector.lab.answer import Answer, Request
from detector.lab.pki import Authority, LabPki
from detector.lab.web import Web
from detector.net.fetch import Fetched, Fetcher, FetchOptions, Pace, retry_delay
from detector.net.routes import Routing, parse_proxy
from tests.net.peers import peer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def trust(pki: LabPki, tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_text(pki.root.pem)
    return path


class Waits:
    """Sleeps that are only counted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def patient(trust: Path, waits: Waits | None = None, **changes: object) -> FetchOptions:
    options = FetchOptions(trust=trust, sleep=waits or Waits(), jitter=lambda: 1.0)
    return replace(options, **changes)


def fetch(
    pki: LabPki,
    options: FetchOptions,
    handler: Callable[[Request], Answer | Awaitable[Answer]],
    *,
    limit: int = 1000,
) -> tuple[Fetched, list[Request]]:
    async def run() -> tuple[Fetched, list[Request]]:
        async with Web(pki.issue("127.0.0.1"), handler) as web, Fetcher(options) as fetcher:
            url = f"https://127.0.0.1:{web.port}/a?secret=1"
            return await fetcher.get(url, limit=limit), web.asked

    return asyncio.run(run())


def test_an_answer_comes_with_the_connection_it_came_over(pki: LabPki, trust: Path) -> None:
    found, asked = fetch(pki, patient(trust), lambda _: Answer(b"hello", headers={"ETag": "x"}))
    assert (found.body, found.headers["etag"], len(asked)) == (b"hello", "x", 1)
    assert asked[0].headers["user-agent"].startswith("tlsight/")
    assert found.connection is not None
    assert found.connection.target.ip == "127.0.0.1"
    (judgement,) = judge_all([found.connection], pki.knowledge())
    assert judgement.verdict == "direct"


def test_no_log_of_ours_or_of_a_library_has_what_is_secret(
    pki: LabPki, trust: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> list[Request]:
        async with Web(pki.issue("127.0.0.1"), lambda _: Answer(b"hello")) as web:
            async with Fetcher(patient(trust)) as fetcher:
                url = f"https://127.0.0.1:{web.port}/s3cr3t-path?key=s3cr3t"
                headers = {"Authorization": "Bearer s3cr3t"}
                await fetcher.get(url, limit=1000, headers=headers)
                await fetcher.post(url, b"s3cr3t", limit=1000, headers=headers)
            return web.asked

    with caplog.at_level(logging.DEBUG):
        logging.getLogger("tests.net").debug("logs are kept")
        asked = asyncio.run(run())
    assert [one.headers["authorization"] for one in asked] == ["Bearer s3cr3t"] * 2
    said = [record.getMessage() for record in caplog.records]
    assert "logs are kept" in said
    assert not any("s3cr3t" in line for line in said)


def test_what_is_put_comes_there_whole_and_is_never_led_elsewhere(trust: Path) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0] + b" " + await reader.readexactly(5))
        answer = b"204 No Content" if b" /there " in head else b"307 Go\r\nLocation: /there"
        writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> None:
        async with peer(serve) as port, Fetcher(patient(trust)) as fetcher:
            url = f"http://127.0.0.1:{port}"
            assert (await fetcher.put(f"{url}/there", b"hello", limit=10)).status == 204
            with pytest.raises(FetchError, match="answers 307"):
                await fetcher.put(f"{url}/here", b"hello", limit=10)

    asyncio.run(run())
    assert asked == [b"PUT /there HTTP/1.1 hello", b"PUT /here HTTP/1.1 hello"]


def test_a_certificate_of_a_stranger_is_refused_and_the_remedy_named(
    pki: LabPki, corporate: Authority, tmp_path: Path
) -> None:
    path = tmp_path / "other.pem"
    path.write_text(corporate.pem)
    with pytest.raises(FetchError, match=r"not trusted: .*; see who answers with: tlsight check"):
        fetch(pki, patient(path), lambda _: Answer())


def test_without_roots_of_the_users_the_systems_store_decides(pki: LabPki, trust: Path) -> None:
    with pytest.raises(FetchError, match="not trusted"):
        fetch(pki, replace(patient(trust), trust=None), lambda _: Answer())


def test_trouble_of_the_server_is_tried_again_later_and_later(pki: LabPki, trust: Path) -> None:
    waits, answers = Waits(), iter([503, 429, 500, 200])
    found, asked = fetch(pki, patient(trust, waits), lambda _: Answer(status=next(answers)))
    assert (found.status, len(asked), waits.seconds) == (200, 4, [1.0, 2.0, 4.0])


def test_after_four_attempts_the_last_answer_is_the_error(pki: LabPki, trust: Path) -> None:
    waits = Waits()
    with pytest.raises(FetchError, match="answers 502") as caught:
        fetch(pki, patient(trust, waits), lambda _: Answer(status=502))
    assert (caught.value.status, len(waits.seconds)) == (502, 3)
    assert "secret" not in str(caught.value)


def test_retry_after_is_obeyed(pki: LabPki, trust: Path) -> None:
    waits, answers = Waits(), iter([429, 200])
    fetch(
        pki,
        patient(trust, waits),
        lambda _: Answer(status=next(answers), headers={"Retry-After": "17"}),
    )
    assert waits.seconds == [17.0]


def test_a_source_that_asks_for_an_hour_is_left_alone(pki: LabPki, trust: Path) -> None:
    waits = Waits()
    with pytest.raises(FetchError, match="asks to wait 3600 s; try again later"):
        fetch(
            pki,
            patient(trust, waits),
            lambda _: Answer(status=429, headers={"Retry-After": "3600"}),
        )
    assert waits.seconds == []


@pytest.mark.parametrize("status", [301, 400, 403, 404])
def test_other_answers_are_final(pki: LabPki, trust: Path, status: int) -> None:
    waits = Waits()
    with pytest.raises(FetchError, match=f"answers {status}"):
        fetch(pki, patient(trust, waits), lambda _: Answer(status=status))
    assert waits.seconds == []


def test_a_body_beyond_its_limit_is_not_read_on(pki: LabPki, trust: Path) -> None:
    """A gigabyte is announced; little of it is ever sent."""
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        while sent < 1 << 30:
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent += 1 << 16

    async def run() -> None:
        async with peer(serve) as port, Fetcher(patient(trust)) as fetcher:
            await fetcher.get(f"http://127.0.0.1:{port}/", limit=100_000)

    with pytest.raises(FetchError, match="sends more than 100000 bytes"):
        asyncio.run(run())
    assert sent < 64 << 20


def test_a_body_in_tiny_pieces_is_not_read_on_nor_asked_for_again(trust: Path) -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(1000):
            writer.write(b"1\r\n[\r\n" * 100)
            await writer.drain()

    async def run() -> None:
        async with peer(serve) as port, Fetcher(patient(trust)) as fetcher:
            await fetcher.get(f"http://127.0.0.1:{port}/", limit=1 << 20)

    with pytest.raises(FetchError, match="in more than 1000 tiny pieces"):
        asyncio.run(run())
    assert asked == 1


PACKERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "GZIP": gzip.compress,
    "identity, zstd": zstandard.compress,
    "br": lambda _: b"said to be brotli",
}


@pytest.mark.parametrize("coding", PACKERS)
def test_a_packed_answer_is_refused_before_it_is_unpacked(
    pki: LabPki, trust: Path, coding: str
) -> None:
    bomb = PACKERS[coding](bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match="sends its answer packed"):
            fetch(
                pki,
                patient(trust),
                lambda _: Answer(bomb, headers={"Content-Encoding": coding}),
                limit=1 << 20,
            )
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_only_the_plain_form_is_asked_for(pki: LabPki, trust: Path) -> None:
    found, asked = fetch(
        pki, patient(trust), lambda _: Answer(b"plain", headers={"Content-Encoding": "identity"})
    )
    assert (found.body, asked[0].headers["accept-encoding"]) == (b"plain", "identity")


def test_the_body_of_a_redirect_is_not_read(trust: Path) -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        request = await reader.readuntil(b"\r\n\r\n")
        if b"/there" in request:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        writer.write(
            b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 99999999999\r\n\r\n"
        )
        while sent < 1 << 30:
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent += 1 << 16

    async def run() -> Fetched:
        async with peer(serve) as port, Fetcher(patient(trust, timeout=5.0)) as fetcher:
            return await fetcher.get(f"http://127.0.0.1:{port}/", limit=10, follow=True)

    assert asyncio.run(run()).body == b"ok"
    assert sent < 64 << 20


def test_redirects_in_a_circle_end(pki: LabPki, trust: Path) -> None:
    async def run() -> int:
        def again(_: Request) -> Answer:
            return Answer(status=302, headers={"Location": "/"})

        async with Web(pki.issue("127.0.0.1"), again) as web, Fetcher(patient(trust)) as fetcher:
            with pytest.raises(FetchError, match="redirects more than 5 times"):
                await fetcher.get(f"https://127.0.0.1:{web.port}/", limit=10, follow=True)
            return len(web.asked)

    assert asyncio.run(run()) == 6


@pytest.mark.parametrize(
    "there",
    ["http://10.0.0.1/", "http://169.254.169.254/latest/", "http://1.1.1.1:22/", "ftp://a/"],
)
def test_a_redirect_leads_nowhere_that_its_server_is_not(
    pki: LabPki, trust: Path, there: str
) -> None:
    async def run() -> None:
        def away(_: Request) -> Answer:
            return Answer(status=302, headers={"Location": there})

        async with Web(pki.issue("127.0.0.1"), away) as web, Fetcher(patient(trust)) as fetcher:
            await fetcher.get(f"https://127.0.0.1:{web.port}/", limit=10, follow=True)

    with pytest.raises(RefusedError, match="not asked"):
        asyncio.run(run())


def test_a_redirected_https_request_is_verified_for_the_name_and_not_the_address(
    pki: LabPki, trust: Path
) -> None:
    """The address is pinned; the certificate has to be localhost's all the same."""

    async def run(name: str) -> Fetched:
        there = Web(pki.issue(name), lambda _: Answer(b"ok"))
        there.host = "localhost"
        async with there:

            def away(_: Request) -> Answer:
                return Answer(status=302, headers={"Location": f"https://localhost:{there.port}/"})

            async with Web(pki.issue("127.0.0.1"), away) as web, Fetcher(patient(trust)) as fetcher:
                return await fetcher.get(f"https://127.0.0.1:{web.port}/", limit=10, follow=True)

    found = asyncio.run(run("localhost"))
    assert found.body == b"ok"
    assert found.connection is not None
    assert found.connection.target.host == "localhost"
    with pytest.raises(FetchError, match="not trusted"):
        asyncio.run(run("other.example"))


def test_unchanged_is_no_answer_to_who_did_not_ask_for_changes(pki: LabPki, trust: Path) -> None:
    with pytest.raises(FetchError, match="answers 304"):
        fetch(pki, patient(trust), lambda _: Answer(status=304))


def test_silence_ends_after_the_time_out(pki: LabPki, trust: Path) -> None:
    async def silent(_: Request) -> Answer:
        await asyncio.sleep(60)
        return Answer()

    with pytest.raises(FetchError, match=r"no whole answer within 0\.2 s"):
        fetch(pki, patient(trust, timeout=0.2, attempts=2), silent)


def test_a_closed_port_is_an_error_of_ours(trust: Path) -> None:
    async def run() -> None:
        async with Fetcher(patient(trust, attempts=2)) as fetcher:
            await fetcher.get("https://127.0.0.1:9/", limit=10)

    with pytest.raises(FetchError, match="no answer"):
        asyncio.run(run())


@pytest.mark.parametrize("url", ["ftp://a.test/", "https://", "https://[::/", "http://a b/"])
def test_what_is_no_url_is_an_error_of_ours(trust: Path, url: str) -> None:
    async def run() -> None:
        async with Fetcher(patient(trust, attempts=1)) as fetcher:
            await fetcher.get(url, limit=10)

    with pytest.raises(FetchError):
        asyncio.run(run())


def test_a_file_of_roots_that_is_none_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        async with Fetcher(FetchOptions(trust=tmp_path / "missing.pem")) as fetcher:
            await fetcher.get("https://127.0.0.1:9/", limit=10)

    with pytest.raises(ConfigError, match="no PEM file of roots"):
        asyncio.run(run())


def test_a_dead_proxy_is_an_error_without_its_password(trust: Path) -> None:
    async def run() -> None:
        routing = Routing(parse_proxy("http://user:hush@127.0.0.1:9"))
        async with Fetcher(patient(trust, attempts=1, routing=routing)) as fetcher:
            await fetcher.get("https://a.test/", limit=10)

    with pytest.raises(FetchError) as caught:
        asyncio.run(run())
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("after", "least", "most"),
    [
        (None, 2.0, 2.0),
        ("30", 30, 30),
        ("0", 2, 2),
        ("-5", 2, 2),
        ("soon", 2, 2),
        ("9" * 400, 9e8, 1e9),
        (format_datetime(NOW + timedelta(seconds=40), usegmt=True), 40, 40),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 2, 2),
    ],
)
def test_the_delay_before_the_next_attempt(after: str | None, least: float, most: float) -> None:
    assert least <= retry_delay(2, after, now=NOW, jitter=1.0) <= most


def test_jitter_spreads_the_attempts() -> None:
    assert [retry_delay(3, None, now=NOW, jitter=j) for j in (0, 0.5, 1)] == [2, 3, 4]


def test_a_pace_gives_one_turn_each_interval() -> None:
    pace = Pace(10, lambda: 1000.0)
    assert [pace.wait() for _ in range(3)] == [0, 10, 20]
    pace.postpone(100)
    assert pace.wait() == 100
