"""What arrives of a hello, by real programs that let it pass or write their own, from real clients.

`build/echo-table.md` is the table of docs/how-to/echo.md, as this machine measured it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.echo_world import EchoProcess, said, ways
from tests.live.waiting import until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
TABLE = Path(__file__).parents[2] / "build" / "echo-table.md"
CLIENTS = ("tlsight", "browser", "curl", "openssl", "python", "chromium")
PASSING = (
    "direct", "mitmproxy, ignore_hosts", "squid, splice", "haproxy, TCP", "tinyproxy, CONNECT",
)  # fmt: skip
# Who writes the hello that arrives, what of Chromium's is lost, and what is added to the request.
WRITING = {
    "mitmproxy": ("mitmproxy", {"ECH", "trust_anchors", "compress_certificate"}, set()),
    "squid, bump": ("squid", {"ECH", "hybrid key exchange", "HTTP/2"}, {"via", "x-forwarded-for"}),
    "sslsplit": ("sslsplit", {"ECH", "hybrid key exchange", "HTTP/2", "session tickets"}, set()),
    "haproxy, terminating": (
        "OpenSSL 3 (haproxy and others)", {"ECH", "hybrid key exchange", "HTTP/2"}, set(),
    ),
}  # fmt: skip
Told = dict[str, tuple[int, dict[str, Any]]]


@asynccontextmanager
async def everywhere(folder: Path) -> AsyncGenerator[Told]:
    with EchoProcess(folder / "echo") as echo:
        async with ways(folder, echo) as there:
            for way, code in (("squid, splice", 0), ("squid, bump", 1)):
                assert await proved(echo, *there[way]) == code
            two = asyncio.Semaphore(2)

            async def ask(words: tuple[str, ...]) -> tuple[int, dict[str, Any]]:
                async with two:
                    return await said(echo, *words, "--with", "curl,openssl,python,chromium")

            answers = await asyncio.gather(*map(ask, there.values()))
            yield dict(zip(there, answers, strict=True))
    assert echo.code == 0


async def proved(echo: EchoProcess, *words: str) -> int:
    """The exit code of `bypass prove`, which has nothing else to go by."""
    command = [sys.executable, "-m", "detector", "bypass", "prove", "--echo", echo.url, *words]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    told = "passes: 5 hellos arrived byte for byte", "still decrypted by squid"
    assert told[done.returncode] in done.stdout, done.stderr
    return done.returncode


async def _asked(folder: Path) -> Told:
    async with everywhere(folder) as found:
        return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    found = asyncio.run(_asked(tmp_path_factory.mktemp("echo")))
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(found))
    return found


def table(told: Told) -> str:
    """Way x client, as the documentation has it."""
    lines = [f"| way | {' | '.join(CLIENTS)} |", "|---" * (len(CLIENTS) + 1) + "|"]
    for way, (_, record) in told.items():
        by_client = {one["client"]: one for one in record["hellos"]}
        cells = [_cell(by_client.get(client)) for client in CLIENTS]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(hello: dict[str, Any] | None) -> str:
    if hello is None:
        return "-"
    if hello["fate"] != "rewritten":
        return str(hello["fate"])
    lost = lost_of(hello)
    return f"{hello['written_by']}; lost: {', '.join(lost)}" if lost else str(hello["written_by"])


def lost_of(hello: dict[str, Any]) -> list[str]:
    return [one["field"] for one in hello["differences"] if one["kind"] == "lost"]


@pytest.mark.parametrize("way", PASSING)
def test_who_lets_it_pass_leaves_every_hello_as_it_was(told: Told, way: str) -> None:
    code, record = told[way]
    assert {one["client"]: one["fate"] for one in record["hellos"]} == dict.fromkeys(
        (*CLIENTS[:2], "plain", "tls12-only", "two-records", *CLIENTS[2:]), "unchanged"
    )
    assert (code, record["fate"], record["proven"], record["headers"]) == (0, "unchanged", True, [])
    assert record["here"] == record["there"]
    for one in record["hellos"]:
        assert one["sent"] == one["arrived"]


@pytest.mark.parametrize("way", WRITING)
def test_who_decrypts_is_named_by_the_hello_that_he_writes(told: Told, way: str) -> None:
    who, lost, added = WRITING[way]
    code, record = told[way]
    assert (code, record["fate"], record["proven"]) == (1, "rewritten", True)
    by_client = {one["client"]: one for one in record["hellos"]}
    for client in ("tlsight", "curl", "openssl", "python", "chromium"):
        assert (by_client[client]["fate"], by_client[client]["written_by"]) == ("rewritten", who)
    assert lost <= set(lost_of(by_client["chromium"]))
    assert added <= {one["field"] for one in record["headers"]}
    assert record["peer"] == "127.0.0.1"
    assert record["packet"]["timestamps"]


def test_a_hello_made_by_hand_is_told_too_where_one_arrives(told: Told) -> None:
    _, record = told["mitmproxy"]
    browser = next(one for one in record["hellos"] if one["client"] == "browser")
    assert (browser["fate"], browser["written_by"]) == ("rewritten", "mitmproxy")
    two = next(one for one in record["hellos"] if one["client"] == "two-records")
    assert "joined" in two["differences"][0]["text"]


def test_without_the_key_the_answer_is_shown_and_not_proven(tmp_path: Path) -> None:
    with EchoProcess(tmp_path / "echo") as echo:
        bare = echo.url.partition("#")[0]
        ask = (sys.executable, "-m", "detector", "echo")
        done = subprocess.run([*ask, bare, "--no-proxy"], capture_output=True, text=True)
        assert done.returncode == 0
        assert "Unchanged." in done.stdout
        assert "Not proven: the key came with the answer." in done.stdout
        wrong = subprocess.run(
            [*ask, bare, "--no-proxy", "--key", "00" * 32, "--json"], capture_output=True, text=True
        )
        assert wrong.returncode == 3
        (hello,) = json.loads(wrong.stdout)["hellos"]
        assert "another key" in hello["why"]
    again = EchoProcess(tmp_path / "echo")
    with again:
        assert again.url.partition("#")[2] == echo.url.partition("#")[2]
    assert (echo.code, again.code) == (0, 0)


def test_nobody_there_is_no_answer_and_no_traceback(tmp_path: Path) -> None:
    words = ["https://127.0.0.1:9/", "--no-proxy", "--timeout", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "detector", "echo", *words], capture_output=True, text=True
    )
    assert done.returncode == 3
    assert done.stdout.startswith("Nothing came.")
    assert "Traceback" not in done.stderr


def test_the_certificate_is_read_again_at_sighup(tmp_path: Path) -> None:
    with EchoProcess(tmp_path / "echo") as echo:
        before = shown(echo.port)
        (tmp_path / "echo" / "own.pem").unlink()
        echo.signal(signal.SIGHUP)
        until(lambda: shown(echo.port) != before, "another certificate")


def shown(port: int) -> str:
    import ssl

    return ssl.get_server_certificate(("127.0.0.1", port))
