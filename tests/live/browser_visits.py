"""Chromium and Firefox sent to a server of ours, over TCP and over QUIC, and what they say they are."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from detector.known.knowledge import Knowledge
from detector.lab.loopback import Loopback
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from tests.forensics.measured_hellos import MeasuredHello
from tests.live import captured, clients
from tests.live.hello_catcher import NAME, AgentCatcher
from tests.live.programs import find
from tests.live.waiting import PATIENCE

_QUIET = subprocess.DEVNULL
_TIMES = 4
# A hello may take two, and is sent again.
_DATAGRAMS = 4
Enough = Callable[[], bool]
Visit = Callable[[str, Enough], None]


class Page(Loopback):
    """A page that is asked for again, each time on a connection of its own, and opens a WebSocket."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context)
        self.asked: list[str] = []

    def is_done(self) -> bool:
        """Whether it was asked for as often as it wanted to be."""
        return len(self.asked) > _TIMES and {"page", "websocket"} <= set(self.asked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.asked.append("websocket" if "upgrade: websocket" in head.lower() else "page")
            script = f"new WebSocket('wss://{NAME}:{self.port}/socket')"
            body = (
                f"<html><head><title>ok</title></head><body><script>{script}</script></body></html>"
            )
            again = "Refresh: 1\r\n" if len(self.asked) < _TIMES else ""
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{again}Content-Length: {len(body)}\r\n"
                f"Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}".encode()
            )
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a connection kept for later
        finally:
            writer.close()


def chromium(folder: Path, root: Path, *words: str) -> Visit:
    """A visit until there is enough, with a profile of its own that trusts `root`."""

    def visit(url: str, enough: Enough) -> None:
        home = folder / "chromium"
        _trust(home / ".pki/nssdb", root)
        command = [
            find("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--host-resolver-rules=MAP {NAME} 127.0.0.1", f"--user-data-dir={home / 'profile'}",
            "--remote-debugging-port=0", *words, url,
        ]  # fmt: skip
        _run(command, home, enough)

    return visit


def firefox(folder: Path, root: Path, quic: int = 0) -> Visit:
    """As `chromium`; HTTP/3 is at the UDP port `quic`."""
    settings: dict[str, object] = {
        "datareporting.policy.dataSubmissionEnabled": False,
        "network.captive-portal-service.enabled": False,
        "network.dns.disableIPv6": True,
    }
    if quic:
        settings |= {
            "network.http.http3.alt-svc-mapping-for-testing": f"{NAME};h3=:{quic}",
            "network.http.http3.force-use-alt-svc-mapping-for-testing": True,
            "network.http.http3.disable_when_third_party_roots_found": False,
            "network.http.http3.use_nspr_for_io": True,
        }

    def visit(url: str, enough: Enough) -> None:
        profile = folder / "firefox"
        _trust(profile, root)
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in settings.items())
        (profile / "user.js").write_text("\n".join(lines))
        command = [find("firefox-esr"), "--headless", "--no-remote", "--profile", str(profile), url]
        _run(command, profile, enough)

    return visit


def _trust(database: Path, root: Path) -> None:
    """Once: certutil asks for a password where there is a database."""
    if not (database / "cert9.db").exists():
        clients.trust(database, root)


def _run(command: list[str], home: Path, enough: Enough) -> None:
    """Once more where the browser ends by itself before there is enough: under load one may not come up."""
    for _ in range(2):
        _run_once(command, home, enough)
        if enough():
            return
    raise AssertionError(f"{command[0]} did not do what was waited for")


def _run_once(command: list[str], home: Path, enough: Enough) -> None:
    clean = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    end = time.monotonic() + PATIENCE
    with subprocess.Popen(
        command, stdin=_QUIET, stdout=_QUIET, stderr=_QUIET, env={**clean, "HOME": str(home)}
    ) as browser:
        while time.monotonic() < end and browser.poll() is None and not enough():
            time.sleep(0.1)
        browser.terminate()
        browser.wait(PATIENCE)


async def over_tcp(
    folder: Path, visit: Visit, pki: LabPki
) -> tuple[list[MeasuredHello], list[str]]:
    """Hellos of every connection, and what was asked for on them; `name` is empty."""
    async with AgentCatcher() as plain:
        await asyncio.to_thread(visit, plain.url, lambda: plain.agent is not None)
    path = folder / "tcp.pcap"
    with captured.tcpdump(path, "tcp"):
        async with Page(server_context(pki.issue(NAME))) as page:
            await asyncio.to_thread(visit, f"https://{NAME}:{page.port}/", page.is_done)
    return _measured(path, page.port, plain.agent, pki.knowledge()), page.asked


def quic_port() -> socket.socket:
    """A UDP socket that nobody answers at: the hello is all that comes."""
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    sink.setblocking(False)
    return sink


async def over_quic(
    folder: Path, visit: Visit, pki: LabPki, sink: socket.socket, *, page: bool
) -> list[MeasuredHello]:
    """Hellos of the connections to the UDP port; `page`: the URL is of a page over TCP."""
    port: int = sink.getsockname()[1]
    came: list[bytes] = []

    def enough() -> bool:
        with contextlib.suppress(BlockingIOError):
            while True:
                came.append(sink.recv(1 << 16))
        return len(came) >= _DATAGRAMS

    async with AgentCatcher() as plain:
        await asyncio.to_thread(visit, plain.url, lambda: plain.agent is not None)
    path = folder / "quic.pcap"
    with captured.tcpdump(path, "udp"):
        async with Page(server_context(pki.issue(NAME))) as tcp:
            url = f"https://{NAME}:{tcp.port if page else port}/"
            await asyncio.to_thread(visit, url, enough)
    return _measured(path, port, plain.agent, pki.knowledge())


def _measured(path: Path, port: int, agent: str | None, known: Knowledge) -> list[MeasuredHello]:
    told, _ = captured.read(path, known)
    return [
        MeasuredHello("", agent, hello.ja4[0], hello)
        for hello in (t.connection.hello for t in told if t.connection.server_port == port)
        if hello is not None
    ]
