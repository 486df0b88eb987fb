"""`tlsight mcp` as agents start it: a child process, asked by the SDK's own client, and by clients that mean no good."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from jsonschema import Draft202012Validator
from mcp import Client, ClientSession, StdioServerParameters, stdio_client
from mcp.types import CallToolResult

from detector.lab.cases import HOST, case
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.mcp.lines import LONGEST
from detector.report.schema import schema
from tests.cli.conftest import running
from tests.cli.loaded import ROOT, alone_in
from tests.live.waiting import PATIENCE, until

pytestmark = pytest.mark.live
HOSTS = ["shop.test", "bank.test"]
# What the programs say behind an interceptor whose CA they do not know.
SAID = {
    "npm": (
        "npm install",
        "npm error code SELF_SIGNED_CERT_IN_CHAIN\nnpm error request to https://registry.npmjs.org/left-pad"
        " failed, reason: self-signed certificate in certificate chain",
        "NODE_EXTRA_CA_CERTS",
    ),
    "pip": (
        "pip install requests",
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError(SSLCertVerificationError(1,"
        " '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain"
        " (_ssl.c:1028)'))': /simple/requests/",
        "PIP_CERT",
    ),
    "curl": (
        "curl https://github.com/",
        "curl: (60) SSL certificate problem: self-signed certificate in certificate chain",
        "CURL_CA_BUNDLE",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """Servers of the lab, mitmproxy, and where the server's state is."""

    folder: Path
    origin: int
    expired: int
    silent: int
    proxy: str

    def words(self) -> list[str]:
        return ["-m", "detector", "mcp", "--roots", str(self.folder / "root.pem")]

    def environment(self) -> dict[str, str]:
        return alone_in(self.folder) | {"PYTHONPATH": str(ROOT)}

    def ask[T](self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Through the SDK's client, with a server of its own."""
        server = StdioServerParameters(
            command=sys.executable, args=self.words(), env=self.environment(), cwd=self.folder
        )

        async def inside() -> T:
            async with Client(server) as client:
                return await work(client)

        return asyncio.run(inside())

    def child(self) -> Child:
        return Child(
            subprocess.Popen(
                [sys.executable, *self.words()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=self.environment(), cwd=self.folder,
            )
        )  # fmt: skip


@dataclass(frozen=True)
class Child:
    """A server whose lines are written by hand."""

    process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self.send(
            method="initialize", id=0,
            params={"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
        )  # fmt: skip
        assert self.answer()["result"]["serverInfo"]["name"] == "tlsight"
        self.send(method="notifications/initialized")
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(BrokenPipeError):
            self.process.stdin.close()  # type: ignore[union-attr]
        self.process.wait(PATIENCE)
        self.process.stdout.close()  # type: ignore[union-attr]
        self.process.stderr.close()  # type: ignore[union-attr]

    def send(self, **message: Any) -> None:
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def call(self, number: int, tool: str, **arguments: Any) -> None:
        self.send(method="tools/call", id=number, params={"name": tool, "arguments": arguments})

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def memory(self) -> int:
        """The most that it held, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (kilobytes,) = re.findall(r"VmHWM:\s+(\d+)", status)
        return int(kilobytes) << 10


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("mcp")
    pki = LabPki()
    (folder / "root.pem").write_text(pki.root.pem)
    expired, silent = case("expired"), case("silent")
    assert expired is not None
    assert silent is not None
    with ExitStack() as stack:
        origin = stack.enter_context(running(Origin({host: pki.issue(host) for host in HOSTS})))
        proxy = stack.enter_context(running(Mitmdump(folder / "m", trust=folder / "root.pem")))
        yield World(
            folder, origin.port, stack.enter_context(running(expired.make(pki))).port,
            stack.enter_context(running(silent.make(pki))).port, proxy.url,
        )  # fmt: skip


@pytest.fixture(scope="module")
def lasting(world: World) -> Iterator[Child]:
    """One server for all that it survives."""
    with world.child() as child:
        yield child


def told(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


def test_an_agent_finds_the_interceptor_the_expired_server_and_the_setting(world: World) -> None:
    async def ask(client: Client) -> None:
        connect = f"127.0.0.1:{world.origin}"
        for published, given, head in (
            ("check", {"hosts": HOSTS, "proxy": world.proxy, "connect": connect}, "shop.test:443 at"),
            ("check", {"hosts": HOSTS, "connect": connect}, "shop.test:443 at"),
            ("diagnose", {"host": HOST, "connect": f"127.0.0.1:{world.expired}"}, "broken. "),
            ("trust-why", {"program": "pip", "url": f"localhost:{world.origin}"}, "pip: "),
        ):  # fmt: skip
            result = await client.call_tool(published.replace("-", "_"), given)
            assert not result.is_error, told(result)
            assert told(result).startswith(head)
            record = result.structured_content
            found.append(record)
            for one in record["checks"] if published == "check" else [record]:
                Draft202012Validator(schema(published)).validate(one)

    found: list[Any] = []
    world.ask(ask)
    behind, past, expired, with_root = found
    assert [one["verdict"] for one in behind["checks"]] == ["intercepted", "intercepted"]
    assert behind["checks"][0]["interceptor"]["product"] == "mitmproxy"
    assert [one["verdict"] for one in past["checks"]] == ["consistent", "consistent"]
    assert expired["causes"][0]["id"] == "certificate-expired"
    assert with_root["holds"] is False
    assert "Lab Public Root" in with_root["root"]


def test_what_programs_say_is_explained_with_their_setting(world: World) -> None:
    async def ask(client: Client) -> None:
        for command, text, setting in SAID.values():
            result = await client.call_tool("explain", {"text": text, "command": command})
            record = result.structured_content
            Draft202012Validator(schema("explain")).validate(record)
            assert record["causes"][0]["id"] == "tls-intercepted"
            assert setting in str(record["failures"][0]["settings"])
            assert told(result).startswith("likely: tls-intercepted, ")

    world.ask(ask)


def test_a_call_that_is_cancelled_is_never_answered_and_the_next_one_is(
    world: World, lasting: Child
) -> None:
    lasting.call(1, "diagnose", host=f"127.0.0.1:{world.silent}")
    until(lambda: _sockets(lasting.process.pid), "its connection")
    lasting.send(method="notifications/cancelled", params={"requestId": 1})
    lasting.call(2, "explain", text="unknown ca")
    assert lasting.answer()["id"] == 2
    until(lambda: not _sockets(lasting.process.pid), "the end of its connection")


def test_a_client_hears_of_a_slow_host_while_it_waits(world: World, lasting: Child) -> None:
    lasting.send(
        method="tools/call", id=3,
        params={"name": "check", "arguments": {"hosts": [f"127.0.0.1:{world.silent}"]},
                "_meta": {"progressToken": "p"}},
    )  # fmt: skip
    heard = lasting.answer()
    lasting.send(method="notifications/cancelled", params={"requestId": 3})
    assert heard["method"] == "notifications/progress"
    assert heard["params"]["progressToken"] == "p"
    assert heard["params"]["message"] == "0 of 1 hosts judged"


def test_lines_that_are_no_messages_are_answered_and_forgotten(lasting: Child) -> None:
    lasting.write(b"no JSON\n" + b"[" * 1_000_000 + b"\n")
    assert [lasting.answer()["error"]["code"] for _ in range(2)] == [-32700, -32700]
    before = lasting.memory()
    piece = b"x" * (1 << 20)
    for _ in range(200):
        lasting.write(piece)
    lasting.write(b"\n")
    error = lasting.answer()["error"]
    assert error["message"] == f"a message is longer than {LONGEST} bytes"
    assert lasting.memory() - before < 64 << 20
    lasting.call(4, "explain", text="unknown ca")
    assert "result" in lasting.answer()


def test_two_hundred_requests_at_once_are_answered_or_turned_away(lasting: Child) -> None:
    for number in range(200):
        lasting.call(number, "check", hosts=["127.0.0.1:9"])
    answers = {one["id"]: one["result"] for one in (lasting.answer() for _ in range(200))}
    assert answers.keys() == set(range(200))
    turned_away = [one for one in answers.values() if one.get("isError")]
    assert 0 < len(turned_away) <= 180
    assert "Traceback" not in str(turned_away)
    assert any("structuredContent" in one for one in answers.values())


def test_a_client_that_reads_nothing_is_read_no_further(world: World) -> None:
    with world.child() as child:
        before = child.memory()
        assert child.process.stdin is not None
        assert child.process.stdout is not None
        stdin = child.process.stdin.fileno()
        os.set_blocking(stdin, False)
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "x" * 1000}).encode() + b"\n"
        written, still_since = 0, time.monotonic()
        while time.monotonic() - still_since < 1:
            try:
                written += os.write(stdin, line * 100)
                still_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.02)
            assert written < 64 << 20, "it reads on"
        assert child.memory() - before < 16 << 20
        child.process.stdout.close()
        assert child.process.wait(PATIENCE) == 0


def test_the_process_ends_when_its_client_is_gone_in_the_midst_of_a_call(world: World) -> None:
    with world.child() as child:
        child.call(1, "diagnose", host=f"127.0.0.1:{world.silent}")
        until(lambda: _sockets(child.process.pid), "its connection")
        child.process.stdin.close()  # type: ignore[union-attr]
        assert child.process.wait(PATIENCE) == 0
        assert child.process.stderr.read() == b""  # type: ignore[union-attr]


def test_a_signal_ends_it_like_every_verb(world: World) -> None:
    with world.child() as child:
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(PATIENCE) == 130
        assert b"Traceback" not in child.process.stderr.read()  # type: ignore[union-attr]


def test_nothing_but_messages_is_on_stdout_where_a_verb_warns(world: World) -> None:
    (world.folder / "damaged.sqlite3").write_bytes(b"no database" * 1000)
    words = [*world.words(), "--history", str(world.folder / "damaged.sqlite3")]
    process = subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=world.environment(), cwd=world.folder,
    )  # fmt: skip
    with Child(process) as child:
        child.call(1, "check", hosts=[f"127.0.0.1:{world.origin}"])
        assert child.answer()["id"] == 1
        child.process.stdin.close()  # type: ignore[union-attr]
        assert child.process.stdout.read() == b""  # type: ignore[union-attr]
        assert b"damaged.sqlite3" in child.process.stderr.read()  # type: ignore[union-attr]


def test_sessions_of_the_sdk_speak_with_it_too(world: World) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=world.words(), env=world.environment(), cwd=world.folder
    )

    async def inside() -> list[str]:
        async with stdio_client(server) as streams, ClientSession(*streams) as session:
            await session.initialize()
            return [tool.name for tool in (await session.list_tools()).tools]

    assert asyncio.run(inside()) == ["explain", "trust_why", "check", "diagnose", "doctor"]


def _sockets(pid: int) -> list[str]:
    """Connections that a process has open."""
    names: list[str] = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            names.append(str(one.readlink()))
    inodes = {name[8:-1] for name in names if name.startswith("socket:[")}
    rows = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return [row for row in rows if row.split()[9] in inodes]
