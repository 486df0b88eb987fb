"""A server that reads ClientHellos and hangs up, and programs and browsers that are made to send it one."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from detector.capture.connection import HelloFacts
from detector.capture.hellos import Hellos
from detector.errors import WireError
from detector.lab.loopback import Loopback
from detector.lab.mitmdump import Mitmdump
from tests.forensics.measured_hellos import MeasuredHello
from tests.live import clients, programs
from tests.live.gateways import AnyName, Privoxy
from tests.live.programs import corporate_ca, find
from tests.live.waiting import PATIENCE

NAME = "localhost"


class HelloCatcher(Loopback):
    """`facts` of every hello that came, oldest first."""

    def __init__(self) -> None:
        super().__init__(None)
        self.facts: list[HelloFacts] = []
        self._hellos = Hellos()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            body = b""
            while len(body) < 4 or len(body) < 4 + int.from_bytes(body[1:4]):
                head = await asyncio.wait_for(reader.readexactly(5), PATIENCE)
                body += await asyncio.wait_for(
                    reader.readexactly(int.from_bytes(head[3:])), PATIENCE
                )
            if body[0] == 1:
                self.facts.append(self._hellos.client(body[4 : 4 + int.from_bytes(body[1:4])])[0])
        except (OSError, TimeoutError, asyncio.IncompleteReadError, WireError):
            pass  # a port that was tried, or no TLS at all
        finally:
            writer.close()


def interceptors(folder: Path) -> dict[str, HelloFacts]:
    """The hello towards the server of every program that intercepts, by its name."""
    return asyncio.run(_interceptors(folder))


async def _interceptors(folder: Path) -> dict[str, HelloFacts]:
    ca = corporate_ca()
    trust = folder / "root.pem"
    trust.write_text(ca.pem)
    trust.chmod(0o644)
    programs.readable_by_all(folder)
    found: dict[str, HelloFacts] = {}
    async with HelloCatcher() as server, AnyName() as parent:

        async def through(name: str, *way: str) -> None:
            """Curl comes with HTTP/2 and without: some programs offer the server what they were offered."""
            for words in ((), ("--http1.1",)):
                before = len(server.facts)
                await asyncio.to_thread(_curl, *words, *way)
                caught = server.facts[before:]
                if caught:
                    found[name + (", HTTP/1.1 client" if words else "")] = caught[0]

        def at(port: int) -> tuple[str, ...]:
            return "--connect-to", f"::127.0.0.1:{port}", f"https://{NAME}:{server.port}/"

        def by(port: int) -> tuple[str, ...]:
            return "-x", f"http://127.0.0.1:{port}", f"https://{NAME}:{server.port}/"

        async with Mitmdump(folder / "mitm", trust=trust, ca=ca.credential()) as mitm:
            await through("mitmproxy", *by(mitm.port))
        with programs.Squid(folder / "squid", ca, trust, {NAME: "127.0.0.1"}) as squid:
            await through("squid", *by(squid.port))
        with programs.Haproxy(folder / "haproxy", ca, server.port) as haproxy:
            await through("haproxy", *at(haproxy.port))
        static = {NAME: ca.issue(NAME, days=365)}
        with programs.Nginx(folder / "nginx", static, server.port) as nginx:
            await through("nginx", *at(nginx.port))
        with programs.Sslsplit(folder / "split", ca, server.port) as split:
            await through("sslsplit", *at(split.port))
        with programs.ProxyPy(folder / "proxypy", ca, trust) as proxy:
            await through("proxy.py", *by(proxy.port))
        with programs.HttpMitmProxy(folder / "node") as node:
            await through("http-mitm-proxy", *by(node.port))
        with Privoxy(folder / "privoxy", "", ca, trust, parent.port) as privoxy:
            await through("privoxy", *by(privoxy.port))
    return found


def libraries(folder: Path) -> dict[str, HelloFacts]:
    """The hello of a client of each TLS library with that library's defaults."""
    return asyncio.run(_libraries(folder))


async def _libraries(folder: Path) -> dict[str, HelloFacts]:
    ca = corporate_ca()
    root = folder / "root.pem"
    root.write_text(ca.pem)
    known: dict[str, Callable[[], clients.Client]] = {
        "openssl s_client": lambda: clients.openssl,
        "curl (OpenSSL)": lambda: clients.curl,
        "Python's ssl": lambda: clients.python,
        "Node.js": lambda: clients.node,
        "wget (GnuTLS)": lambda: clients.wget,
        "gnutls-cli": lambda: clients.gnutls_cli,
        "git (GnuTLS)": lambda: clients.git,
        "Java": clients.java,
        "Go": lambda: clients.go(folder),
    }
    found: dict[str, HelloFacts] = {}
    for name, make in known.items():
        async with HelloCatcher() as server:
            client = make()
            await asyncio.to_thread(client, NAME, server.port, root)
            if server.facts:
                found[name] = server.facts[0]
    return found


def profiles(python: str) -> list[MeasuredHello]:
    """What each profile of curl_cffi sends, in an interpreter that has that package."""
    return asyncio.run(_profiles(python))


async def _profiles(python: str) -> list[MeasuredHello]:
    listed = await asyncio.to_thread(subprocess.check_output, [python, "-c", _LIST], timeout=60)
    found: list[MeasuredHello] = []
    for name in json.loads(listed):
        async with HelloCatcher() as server, AgentCatcher() as plain:
            words = [python, "-c", _ONE, name, str(server.port), str(plain.port)]
            await asyncio.to_thread(subprocess.run, words, check=True, timeout=2 * PATIENCE)
            found.append(MeasuredHello(name, plain.agent, "t", server.facts[0]))
    return found


_LIST = "import json, curl_cffi; print(json.dumps([b.value for b in curl_cffi.BrowserType]))"
_ONE = """
import sys
from curl_cffi import requests
name, port, plain = sys.argv[1:]
requests.get(f"http://127.0.0.1:{plain}/", impersonate=name, timeout=60, http_version="v1")
try:
    requests.get(f"https://localhost:{port}/", impersonate=name, timeout=60, verify=False)
except requests.RequestsError:
    pass
"""


class AgentCatcher(Loopback):
    """Answers in clear, and keeps the User-Agent."""

    def __init__(self) -> None:
        super().__init__(None)
        self.agent: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return  # a connection kept for later
        for line in head.splitlines():
            if line.lower().startswith("user-agent:"):
                self.agent = line.partition(":")[2].strip()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


def _curl(*words: str) -> None:
    subprocess.run(
        [find("curl"), "-sk", "-m", "60", "-o", "/dev/null", *words],
        check=False, timeout=2 * PATIENCE, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
