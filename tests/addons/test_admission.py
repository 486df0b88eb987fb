"""The real page over real sockets, while others hold its connections open and say nothing, or little."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Generator

import pytest

from addons.review.admission import PER_ADDRESS, SECONDS, TOTAL
from addons.review.guesses import FREE
from addons.review.server import Listening, start

HALF = b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Generator[Listening]:
    listening, stop = start(tmp_path_factory.mktemp("page") / "b.sqlite3", "127.0.0.1:0")
    yield listening
    stop()


def port(page: Listening) -> int:
    return int(page.url.rstrip("/").rpartition(":")[2])


def opened(page: Listening, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port(page)), 5, (source, 0))


def asked(
    page: Listening, source: str, head: str = "GET /login", body: str = "", **more: str
) -> str:
    """The status line of an answer; empty where the page just left."""
    fields = {"Host": f"127.0.0.1:{port(page)}", "Connection": "close", **more}
    if body:
        fields["Content-Length"] = str(len(body))
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    with opened(page, source) as one, contextlib.suppress(ConnectionError):
        one.sendall(f"{head} HTTP/1.1\r\n{lines}\r\n{body}".encode())
        return one.makefile("rb").readline().decode().strip()
    return ""


def log_in(page: Listening, source: str, token: str, **more: str) -> str:
    form = {"Origin": page.url.rstrip("/"), "Content-Type": "application/x-www-form-urlencoded"}
    return asked(page, source, "POST /login", f"token={token}", **form, **more)


@contextlib.contextmanager
def held(
    page: Listening, sources: list[str], start_with: bytes = HALF
) -> Generator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        found = []
        for source in sources:
            one = stack.enter_context(opened(page, source))
            with contextlib.suppress(ConnectionError):
                one.sendall(start_with)
            found.append(one)
        yield found


def test_hundreds_of_half_open_requests_close_the_page_to_nobody(page: Listening) -> None:
    with held(page, ["127.0.0.2"] * 230) as flood:
        for source in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
            assert asked(page, source) == "HTTP/1.1 200 OK"
        assert not all(map(has_ended, flood))  # nobody had to wait until their time was over


def test_a_flood_from_everywhere_displaces_itself(page: Listening) -> None:
    sources = [f"127.0.1.{n}" for n in range(1, 24) for _ in range(10)]
    assert len(sources) > TOTAL
    with held(page, sources) as flood:
        assert asked(page, "127.0.0.1") == "HTTP/1.1 200 OK"
        assert ended(flood, len(sources) - TOTAL) < len(sources)


def test_one_address_holds_so_many_and_no_more(page: Listening) -> None:
    with held(page, ["127.0.0.9"] * (PER_ADDRESS + 20)) as flood:
        assert ended(flood, 20) == 20
        assert not has_ended(flood[-1])


def ended(flood: list[socket.socket], at_least: int) -> int:
    """How many the page has left, once these are so many."""
    deadline = time.monotonic() + 0.8 * SECONDS  # before time ends them
    while (found := sum(map(has_ended, flood))) < at_least and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def has_ended(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_who_says_little_at_a_time_is_left_in_the_end(page: Listening) -> None:
    """Nothing at all, a head byte by byte, a body byte by byte, and a second request byte by byte."""
    host = f"Host: 127.0.0.1:{port(page)}\r\n"
    origin = f"Origin: {page.url.rstrip('/')}\r\n"
    starts = {
        "nothing": b"",
        "head": HALF,
        "body": f"POST /login HTTP/1.1\r\n{host}{origin}Content-Length: 9999\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode(),
        "second": f"GET /login HTTP/1.1\r\n{host}\r\n".encode() + HALF,
    }
    before = time.monotonic()
    left: set[str] = set()
    with contextlib.ExitStack() as stack:
        talking = {}
        for name, said in starts.items():
            talking[name] = stack.enter_context(opened(page, "127.0.0.4"))
            talking[name].sendall(said)
        while len(left) < len(starts) and time.monotonic() - before < 6 * SECONDS:
            time.sleep(0.25)
            for name, one in talking.items():
                if name in left:
                    continue
                try:
                    one.setblocking(False)
                    while one.recv(4096):
                        pass
                    left.add(name)
                except BlockingIOError:
                    with contextlib.suppress(BlockingIOError, ConnectionError):
                        if name != "nothing":
                            one.send(b"a")
                except ConnectionError:
                    left.add(name)
    assert left == set(starts)


def test_guesses_of_one_address_lock_it_alone_and_no_header_moves_them(page: Listening) -> None:
    assert page.secret_file is not None
    token = page.secret_file.read_text().strip()
    for n in range(FREE):
        said = log_in(
            page, "127.0.0.66", "wrong", X_Forwarded_For=f"192.0.2.{n}", Forwarded="for=1.2.3.4"
        )
        assert said == "HTTP/1.1 403 Forbidden"
    assert log_in(page, "127.0.0.66", "wrong") == "HTTP/1.1 429 Too Many Requests"
    bearer = {"Authorization": "Bearer wrong"}
    assert asked(page, "127.0.0.66", "GET /", **bearer) == "HTTP/1.1 429 Too Many Requests"
    assert log_in(page, "127.0.0.67", "wrong") == "HTTP/1.1 403 Forbidden"
    assert log_in(page, "127.0.0.66", token) == "HTTP/1.1 303 See Other"
    assert log_in(page, "127.0.0.1", token) == "HTTP/1.1 303 See Other"


def test_a_head_without_end_or_length_is_refused(page: Listening) -> None:
    form = {"Origin": page.url.rstrip("/")}
    for length in ("-1", "x", "9" * 30, "65537"):
        said = asked(page, "127.0.0.5", "POST /login", Content_Length=length, **form)
        assert said in (
            "HTTP/1.1 413 Content Too Large",
            "HTTP/1.1 400 Bad Request",
            "HTTP/1.1 413 Request Entity Too Large",
        ), said
    assert "400" in asked(page, "127.0.0.5", X="y" * 900_000)
    assert "413" in asked(page, "127.0.0.5", "POST /login", Transfer_Encoding="chunked", **form)
