"""Real proxies, and what goes wrong on the way through them: who has to act is who failed, and no one else.

One matrix of proxy and failure, diagnosed side by side; the table of causes and parties is printed after the run.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from detector.model.inquiry import Diagnosis
from detector.model.targets import parse_target
from detector.net.inquire import Curiosity
from detector.net.probe import ProbeOptions
from detector.net.routes import Routing, parse_proxy
from detector.runs.diagnose import Investigation
from tests.live import forward_proxies as fp
from tests.live.conftest import TABLES
from tests.live.programs import Program, free_port

SITE, PROXY_NAME = "site.example", "gateway.example"
SEEN = TABLES.setdefault("proxies, live: failure -> rung: cause (party)", {})
DEAD = TABLES.setdefault("what is wrong with the proxy itself, live", {})
LOGINS = TABLES.setdefault("proxies that want a login, live", {})
NO_ROUTE = "255.255.255.255"  # a broadcast address: no TCP, said at once


@dataclass(frozen=True)
class Ports:
    """Closed, and open without ever taking anybody."""

    closed: int
    silent: int
    origin: int


@contextmanager
def closed_port() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


@contextmanager
def silent_port() -> Iterator[int]:
    """Its queue is full: Linux drops every further SYN."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        where = server.getsockname()
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(where)
        yield int(where[1])


@asynccontextmanager
async def says(answer: bytes, *, reset: bool = False) -> AsyncIterator[int]:
    """A listener that answers every request with these bytes; empty ones say nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if reset:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            await reader.read(4096)
            if answer:
                writer.write(answer)
                await writer.drain()
            await reader.read(4096)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def diagnose(
    pki: LabPki,
    proxy: str,
    target: str,
    trust: Path | None = None,
    seconds: float = 30.0,
    *,
    trials: bool = True,
) -> Diagnosis:
    options = ProbeOptions(
        timeout=seconds, routing=Routing(parse_proxy(proxy, "HTTPS_PROXY", trust))
    )
    how = Investigation(options, Curiosity(trials=trials, resume=False), canaries=False)
    return await how.of(parse_target(target), pki.knowledge())


def told(found: Diagnosis) -> str:
    """Errors with their party, and the rung that broke."""
    broken = next((step.step for step in found.steps if step.status == "failed"), "healthy")
    errors = [c for c in found.causes if c.severity == "error"]
    return f"{broken}: " + ", ".join(f"{c.id} ({c.party})" for c in errors)


HEALTHY = "healthy: "
DOWN = "tcp: connection-refused (network)"
REFUSED = "proxy: connection-refused (server)"
NAME = "proxy: dns-failure (network)"
LATE = "proxy: connection-timeout (network)"
POLICY = "proxy: proxy-refused (network)"
UNTOLD = "proxy: bad-gateway (network)"
LOGIN = "proxy: proxy-auth-required (client)"
WRONG_KIND = "proxy: proxy-refused (client)"
CERTIFICATE = "proxy: proxy-certificate (network)"

# Proxy -> failure -> what is to be said. A proxy that does not tell one failure from another is not believed more.
EXPECTED = {
    "squid": {"ok": HEALTHY, "refused": REFUSED, "name": NAME, "silent": LATE, "no way": LATE,
              "policy": POLICY, "portal": "proxy: captive-portal (client)"},
    "squid https": {"ok": HEALTHY, "refused": REFUSED, "name": NAME, "policy": POLICY},
    "mitmdump": {"refused": REFUSED, "name": NAME, "silent": LATE, "no way": LATE},
    "envoy": {"ok": HEALTHY, "refused": REFUSED, "name": NAME, "silent": LATE, "no way": LATE},
    "privoxy": {"ok": HEALTHY, "refused": UNTOLD, "name": NAME, "policy": POLICY, "port": POLICY},
    "apache": {"ok": HEALTHY, "refused": UNTOLD, "name": NAME, "port": POLICY},
    "tinyproxy": {"ok": HEALTHY, "refused": UNTOLD, "name": UNTOLD, "policy": POLICY, "port": POLICY},
    "haproxy": {"refused": UNTOLD, "policy": POLICY},
    "proxy.py": {"ok": HEALTHY, "refused": UNTOLD, "name": UNTOLD},
    "microsocks": {"ok": HEALTHY, "refused": REFUSED, "name": UNTOLD, "no way": LATE},
    "dante": {"ok": HEALTHY, "refused": REFUSED, "no way": LATE, "policy": POLICY},
}  # fmt: skip


def test_each_failure_of_each_proxy_is_told_of_whoever_failed(tmp_path: Path, pki: LabPki) -> None:
    with ExitStack() as stack:
        closed = stack.enter_context(closed_port())
        silent = stack.enter_context(silent_port())
        origin_port = free_port()
        ports = Ports(closed, silent, origin_port)
        trust = tmp_path / "roots.pem"
        trust.write_text(pki.root.pem)
        allowed = (443, closed, silent, origin_port)
        credential = pki.issue(PROXY_NAME, "127.0.0.1")
        hosts = {SITE: "127.0.0.1"}
        squid = fp.OpenSquid(tmp_path / "squid", credential, hosts)
        programs: dict[str, Program] = {
            "squid": squid,
            "mitmdump": fp.PlainMitmdump(tmp_path / "mitmdump"),
            "envoy": fp.EnvoyForward(tmp_path / "envoy"),
            "privoxy": fp.OpenPrivoxy(tmp_path / "privoxy", *allowed),
            "apache": fp.ApacheProxy(tmp_path / "apache", *allowed),
            "tinyproxy": fp.Tinyproxy(tmp_path / "tinyproxy", *allowed),
            "haproxy": fp.HaproxyForward(tmp_path / "haproxy", closed),
            "proxy.py": fp.PlainProxyPy(tmp_path / "proxypy"),
            "microsocks": fp.Microsocks(tmp_path / "microsocks"),
            "dante": fp.Danted(tmp_path / "dante"),
        }
        started(stack, programs.values())
        urls = {
            name: f"{'socks5h' if name in ('microsocks', 'dante') else 'http'}://127.0.0.1:{one.port}"
            for name, one in programs.items()
        }
        urls["squid https"] = f"https://127.0.0.1:{squid.tls_port}"
        asyncio.run(_matrix(pki, urls, ports, trust))
    for name, expected in EXPECTED.items():
        assert SEEN[name] == expected, name


async def _matrix(pki: LabPki, urls: dict[str, str], ports: Ports, trust: Path) -> None:
    site = pki.issue(SITE, "127.0.0.1")
    origin = Origin({SITE: site})
    origin.port = ports.origin
    async with origin:
        cells = [(name, failure) for name, row in EXPECTED.items() for failure in row]
        turns = asyncio.Semaphore(16)

        async def one(name: str, failure: str) -> str:
            async with turns:
                target = _target(name, failure, ports)
                seconds = {"silent": 2.5, "no way": 5.0}.get(failure, 30.0)
                trials = name.startswith("squid")  # once in clear, once in TLS
                found = await diagnose(pki, urls[name], target, trust, seconds, trials=trials)
                return told(found)

        found = await asyncio.gather(*(one(*cell) for cell in cells))
        for (name, failure), what in zip(cells, found, strict=True):
            SEEN.setdefault(name, {})[failure] = what


def _target(name: str, failure: str, ports: Ports) -> str:
    return {
        "ok": f"{SITE if name.startswith('squid') else '127.0.0.1'}:{ports.origin}",
        "refused": f"127.0.0.1:{ports.closed}",
        "name": "no-such-host.invalid",
        "silent": f"127.0.0.1:{ports.silent}",
        "no way": NO_ROUTE,
        "policy": f"127.0.0.9:{ports.origin}" if name == "dante" else fp.BLOCKED,
        "port": "127.0.0.1:25",
        "portal": fp.LOGIN_PAGE,
    }[failure]


def started(stack: ExitStack, programs: Iterable[Program]) -> None:
    """All of them, side by side: each waits for its own port."""
    with ThreadPoolExecutor(8) as together:
        for program in together.map(lambda one: one.__enter__(), programs):
            stack.push(program.__exit__)


def test_a_proxy_that_is_not_there_is_never_the_servers_fault(pki: LabPki) -> None:
    async def run() -> dict[str, Diagnosis]:
        async with says(b"") as hanging, says(b"", reset=True) as resetting:
            urls = {
                "down": f"http://127.0.0.1:{closed}",
                "silent": f"http://127.0.0.1:{silent}",
                "no name": "http://ann:sesame@no-proxy.invalid:3128",
                "hangs": f"http://127.0.0.1:{hanging}",
                "resets": f"http://127.0.0.1:{resetting}",
                "down, socks": f"socks5h://127.0.0.1:{closed}",
                "hangs, https": f"https://127.0.0.1:{hanging}",
                "resets, https": f"https://127.0.0.1:{resetting}",
            }
            found = await asyncio.gather(
                *(
                    diagnose(
                        pki,
                        url,
                        f"127.0.0.1:{closed}",
                        seconds=1.0 if name.startswith(("silent", "hangs")) else 30.0,
                    )
                    for name, url in urls.items()
                )
            )
            return dict(zip(urls, found, strict=True))

    with closed_port() as closed, silent_port() as silent:
        found = asyncio.run(run())
    assert {name: told(one) for name, one in found.items()} == {
        "down": DOWN,
        "silent": "tcp: connection-timeout (network)",
        "no name": "dns: dns-failure (network)",
        "hangs": LATE,
        "resets": "proxy: connection-reset (network)",
        "down, socks": DOWN,
        "hangs, https": LATE,
        "resets, https": "proxy: connection-reset (network)",
    }
    for name, one in found.items():
        DEAD.setdefault(name, {})["told"] = told(one)
        (cause,) = [c for c in one.causes if c.severity == "error"]
        advice = " ".join(fix.text for fix in cause.fix)
        assert "HTTPS_PROXY" in advice, name
        assert "tart the server" not in advice, name
        assert "sesame" not in repr(one), name


def test_logins_are_named_and_answered_where_a_password_does(tmp_path: Path, pki: LabPki) -> None:
    good, bad = "ann:a%20sesame@", "ann:nonsense@"
    with ExitStack() as stack:
        closed = stack.enter_context(closed_port())
        squids = {
            "Basic": fp.LoginSquid(tmp_path / "basic", "Basic"),
            "Digest": fp.LoginSquid(tmp_path / "digest", "Digest", "NTLM"),
            "NTLM": fp.LoginSquid(tmp_path / "ntlm", "NTLM", "Negotiate"),
            "SOCKS": fp.Microsocks(tmp_path / "socks", login=True),
        }
        started(stack, squids.values())

        async def run() -> dict[str, dict[str, Diagnosis]]:
            found: dict[str, dict[str, Diagnosis]] = {}
            for name, proxy in squids.items():
                kind = "socks5h" if name == "SOCKS" else "http"
                # One after the other: squid gives a user's first answer to all who ask meanwhile.
                found[name] = {
                    login: await diagnose(
                        pki, f"{kind}://{given}127.0.0.1:{proxy.port}", f"127.0.0.1:{closed}"
                    )
                    for login, given in (("none", ""), ("wrong", bad), ("right", good))
                }
            return found

        found = asyncio.run(run())
        with fp.Cntlm(tmp_path / "cntlm", squids["NTLM"].port) as local:
            url, target = f"http://127.0.0.1:{local.port}", f"127.0.0.1:{closed}"
            logged_in = asyncio.run(diagnose(pki, url, target))
    assert told(logged_in) == REFUSED  # the advice helps: that squid let it in
    LOGINS["NTLM, through cntlm"] = {"right": told(logged_in)}
    for name, row in found.items():
        LOGINS[name] = {login: told(one) for login, one in row.items()}
        inside = LOGIN if name == "NTLM" else REFUSED
        assert LOGINS[name] == {"none": LOGIN, "wrong": LOGIN, "right": inside}, name
        assert "nonsense" not in repr(row)
        assert "sesame" not in repr(row)
    for one in found["NTLM"].values():
        fix = one.causes[0].fix[0].text
        assert "cntlm" in fix
        assert "user:password@" not in fix
        assert "NTLM or Negotiate" in one.causes[0].text


def test_an_https_proxy_is_verified_and_its_certificate_is_its_own(
    tmp_path: Path, pki: LabPki
) -> None:
    trust = tmp_path / "roots.pem"
    trust.write_text(pki.root.pem)
    past = datetime.now(UTC) - timedelta(days=200)
    stranger = Authority("Somebody's CA")
    credentials = {
        "expired": pki.issue("127.0.0.1", start=past, days=90),
        "wrong name": pki.issue("other.example"),
        "unknown CA": stranger.issue("127.0.0.1"),
        "right": pki.issue("127.0.0.1"),
    }

    async def run(web: fp.WebServer) -> dict[str, Diagnosis]:
        found: dict[str, Diagnosis] = {}
        for name, credential in credentials.items():
            async with Origin({"proxy": credential}) as proxy:
                url = f"https://127.0.0.1:{proxy.port}"
                found[name] = await diagnose(pki, url, "a.example", trust)
        wrong = {
            "http to a TLS port": f"http://127.0.0.1:{web.tls_port}",
            "https to a clear port": f"https://127.0.0.1:{web.port}",
            "a web server": f"http://127.0.0.1:{web.port}",
            "a web server, in TLS": f"https://127.0.0.1:{web.tls_port}",
            "socks to http": f"socks5h://127.0.0.1:{web.port}",
        }
        for name, url in wrong.items():
            found[name] = await diagnose(pki, url, "a.example", trust)
        return found

    with fp.WebServer(tmp_path / "web", credentials["right"]) as web:
        found = asyncio.run(run(web))
    DEAD.update({name: {"told": told(one)} for name, one in found.items()})
    assert {name: told(one) for name, one in found.items()} == {
        "expired": CERTIFICATE,
        "wrong name": CERTIFICATE,
        "unknown CA": CERTIFICATE,
        "right": "server-hello: not-tls (client)",  # it answers CONNECT with a page, as 200
        "http to a TLS port": WRONG_KIND,
        "https to a clear port": WRONG_KIND,
        "a web server": WRONG_KIND,
        "a web server, in TLS": WRONG_KIND,
        "socks to http": WRONG_KIND,
    }
    assert "expired" in found["expired"].causes[0].text
    assert "proxy's own certificate" in found["wrong name"].causes[0].text


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n", POLICY),
        (b"HTTP/1.1 307 Go\r\nLocation: https://gateway.zscaler.example/auth\r\n\r\n",
         "proxy: captive-portal (client)"),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://a.example/\r\n\r\n", WRONG_KIND),
        (b"HTTP/1.1 511 Log in\r\n\r\n", "proxy: captive-portal (client)"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 4000 + b"\r\n", WRONG_KIND),
        (b"HTTP/1.1 504 Gateway Time-out\r\n\r\n", LATE),
        (b"HTTP/1.1 503 Busy\r\nProxy-Status: p; error=connection_limit_reached\r\n\r\n", UNTOLD),
    ],
)  # fmt: skip
def test_what_no_proxy_here_says_is_read_all_the_same(
    pki: LabPki, answer: bytes, what: str
) -> None:
    async def run() -> Diagnosis:
        async with says(answer) as port:
            return await diagnose(pki, f"http://127.0.0.1:{port}", "a.example")

    assert told(asyncio.run(run())) == what
