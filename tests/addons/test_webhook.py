"""The webhook against receivers over TLS: what arrives, what does not, and that no line names a secret."""

from __future__ import annotations

import asyncio
import logging
import queue
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from addons.store.episode_table import Notice
from addons.store.webhook import ANSWER, Teller, Webhook, send, webhook_of
from detector.errors import ConfigError, StoreError
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.addons.conftest import START

SECRET = "T0/B0/s3cr3t"
BODY = b'{"text":"x"}'


class Receiver(Origin):
    """Answers what it is told to."""

    def __init__(self, pki: LabPki, answer: bytes) -> None:
        super().__init__({"127.0.0.1": pki.issue("127.0.0.1")})
        self._answer = answer
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(len(BODY))
        try:
            writer.write(self._answer)
            await writer.drain()
        except OSError:
            pass  # it had enough
        finally:
            writer.close()


def told(folder: Path, answer: bytes, *, trusted: bool = True) -> tuple[str | None, bytes]:
    """What went wrong, and what the receiver heard."""
    pki = LabPki()
    roots = folder / "root.pem"
    roots.write_text(pki.root.pem if trusted else LabPki().root.pem)

    async def run() -> tuple[str | None, bytes]:
        async with Receiver(pki, answer) as receiver:
            hook = Webhook(
                f"https://127.0.0.1:{receiver.port}/{SECRET}?key={SECRET}", "t0ken", roots
            )
            return await send(hook, BODY), receiver.heard

    return asyncio.run(run())


def answer(status: str, body: bytes = b"", *headers: bytes) -> bytes:
    lines = [
        f"HTTP/1.1 {status}".encode(),
        f"Content-Length: {len(body)}".encode(),
        *headers,
        b"Connection: close",
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_it_arrives_with_its_token_and_any_answer_of_success_will_do(tmp_path: Path) -> None:
    for status in ("200 OK", "202 Accepted", "204 No Content"):
        trouble, heard = told(tmp_path, answer(status))
        assert trouble is None
        assert heard.startswith(f"POST /{SECRET}?key={SECRET} HTTP/1.1".encode())
        assert heard.endswith(BODY)
        assert b"authorization: bearer t0ken" in heard.lower()
        assert b"content-type: application/json" in heard.lower()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (answer("404 Not Found"), "answers 404"),
        (answer("429 Too Many"), "answers 429"),
        (answer("307 There", b"", b"Location: https://127.0.0.1:9/"), "answers 307"),
        (answer("200 OK", b"x" * (ANSWER + 1)), f"more than {ANSWER} bytes"),
        (b"nonsense\r\n\r\n", "no answer"),
    ],
)
def test_what_goes_wrong_is_said_without_the_address(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, given: bytes, says: str
) -> None:
    caplog.set_level(logging.DEBUG)
    trouble, _ = told(tmp_path, given)
    assert trouble is not None
    assert says in trouble
    assert "127.0.0.1" in trouble
    assert "s3cr3t" not in trouble
    said = [r.getMessage() for r in caplog.records]
    assert not any("s3cr3t" in line or "t0ken" in line for line in said)


def test_a_receiver_whose_certificate_is_not_trusted_hears_nothing(tmp_path: Path) -> None:
    trouble, heard = told(tmp_path, answer("200 OK"), trusted=False)
    assert heard == b""
    assert trouble is not None
    assert "not trusted" in trouble


def test_nobody_waits_for_a_receiver_that_says_nothing() -> None:
    teller = Teller()
    notice = Notice(1, START, 0, BODY)
    with silent_receiver() as receiver:
        teller.give(receiver, notice)
        assert teller.taken() == []
    until = time.monotonic() + 60
    while not (found := teller.taken()):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert found[0].notice == notice
    assert "no answer" in str(found[0].trouble)


def test_few_wait_for_it_in_memory() -> None:
    teller = Teller()
    given = 0
    with silent_receiver() as receiver, suppress(queue.Full):
        for number in range(1000):
            teller.give(receiver, Notice(number, START, 0, BODY))
            given += 1
    assert given < 1000


@contextmanager
def silent_receiver() -> Iterator[Webhook]:
    """The kernel takes the connection, nobody reads it; it is reset at the end."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield Webhook(f"https://127.0.0.1:{door.getsockname()[1]}/")


def secret(path: Path, text: str, mode: int = 0o600) -> str:
    path.touch(mode)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_address_and_token_come_from_files_of_ones_own(tmp_path: Path) -> None:
    url = "https://hooks.example/services/T0"
    file, token = secret(tmp_path / "url", url + "\n"), secret(tmp_path / "token", "t0ken\n")
    found = webhook_of(file, token)
    assert found == Webhook(url, "t0ken")
    assert str(found) == repr(found) == "Webhook(hooks.example)"
    assert webhook_of("") is None
    assert webhook_of("http://localhost:9/x") == Webhook("http://localhost:9/x")
    with pytest.raises(StoreError, match="others can read it"):
        webhook_of(url, secret(tmp_path / "open", "t", 0o644))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("http://hooks.example/", "open to anybody"),
        ("http://127.0.0.1.evil.example/", "open to anybody"),
        ("ftp://hooks.example/", "no https address"),
        ("https:///x", "no https address"),
        ("https://[::1/", "no https address"),
        ("https://h.example:99999/", "no https address"),
        ("https://ann:pw@hooks.example/", "login"),
    ],
)
def test_addresses_that_are_none_are_refused_without_being_told(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        webhook_of(text)
    assert "pw" not in str(error.value)


@pytest.mark.parametrize("text", ["", "two lines\nhttps://x.example/", "\x00", "caf\u00e9"])
def test_files_that_hold_no_one_line_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        webhook_of(secret(tmp_path / "url", text))
    with pytest.raises(ConfigError):
        webhook_of(str(tmp_path / "missing"))
