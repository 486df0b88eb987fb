"""Two names on one certificate and one address, one that passes and one that is inspected: what a real Chromium does.

A browser sends the requests for both over the connection that it opened first. The gateway is a real mitmdump that
is redirected to between network namespaces; explicitly asked, Chromium never does it.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.async_api import Response, async_playwright

from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.pki import LabPki
from tests.cli.conftest import Run
from tests.live.clients import trust
from tests.live.namespaces import PROXY_PORT, SERVER, Gateway, GatewayMitmdump, TwoNamesServer
from tests.live.programs import find, readable_by_all
from tests.live.waiting import PATIENCE, until_it_holds

pytestmark = pytest.mark.live
PASSED, INSPECTED, BLOCKED = "bank.site.test", "shop.site.test", "bad.site.test"
RULES = f"""
[[rule]]
host = "{PASSED}"
[[rule]]
host = "{BLOCKED}"
action = "block"
"""
SITES, MITMPROXY = "Lab Public Intermediate", "mitmproxy"
ABOUT = ("--reason", "pinned app", "--owner", "net", "--expires", "90d")


class World(NamedTuple):
    folder: Path
    mode: str
    gateway: Gateway
    server: TwoNamesServer
    mitm: Mitmdump
    rules: Path
    store: Path

    @property
    def arrivals(self) -> list[tuple[str, str, str]]:
        """Connection by SNI and number, authority and path of what the pages asked for."""
        asked = [one for one in self.server.asked if not one[4].endswith(".ico")]
        return [(f"{sni} {number}", authority, path) for number, sni, authority, _, path in asked]

    def decrypted(self, path: str) -> int:
        """How many requests for it the proxy saw."""
        return sum(path in line and "GET" in line for line in self.mitm.lines)

    def curl(self, *words: str) -> str:
        """What the client's curl says."""
        done = subprocess.run(
            [*self.gateway.at_client, find("curl"), "-sk", "-m", "60", *words],
            capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
        return done.stdout + done.stderr


@asynccontextmanager
async def world(
    folder: Path, mode: str, rules: str = RULES, passed_at: str = SERVER
) -> AsyncGenerator[World]:
    readable_by_all(folder)
    pki = LabPki()
    trusted, listed, store = folder / "root.pem", folder / "rules.toml", folder / "b.sqlite3"
    trusted.write_text(pki.root.pem)
    listed.write_text(rules)
    names = (PASSED, INSPECTED, BLOCKED)
    with (
        Gateway({**dict.fromkeys(names, SERVER), PASSED: passed_at}, 80, 443) as gateway,
        TwoNamesServer(gateway, folder / "nginx", pki, pki.issue(*names)) as server,
    ):
        async with GatewayMitmdump(
            gateway, folder / "mitm", mode=mode, trust=trusted, scripts=(bypass_script(),),
            settings=(f"bypass_rules={listed}", f"bypass_store={store}", "showhost=true"),
        ) as mitm:  # fmt: skip
            yield World(folder, mode, gateway, server, mitm, listed, store)


async def nothing() -> None:
    """Happens between two requests."""


async def browse(
    here: World,
    first: str,
    second: str,
    between: Callable[[], Awaitable[None]] = nothing,
) -> list[tuple[str, str]]:
    """A page of one name that fetches from the other: status and who signed, of each answer."""
    home = here.folder / "home"
    if not home.exists():
        trust(home / ".pki/nssdb", here.folder / "root.pem")
        ours = here.folder / "mitm/mitmproxy-ca-cert.pem"
        command = [find("certutil"), "-d", f"sql:{home}/.pki/nssdb", "-A", "-n", "proxy"]
        subprocess.run([*command, "-t", "C,,", "-i", str(ours)], check=True, timeout=30)
    inside = here.folder / "chromium"
    inside.write_text(
        f'#!/bin/sh\nexec {" ".join(here.gateway.at_client)} {find("chromium")} "$@"\n'
    )
    inside.chmod(0o755)
    way = [] if here.mode == "transparent" else [f"--proxy-server=http://10.77.0.2:{PROXY_PORT}"]
    answers: list[Response] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch_persistent_context(
            str(home / "profile"), executable_path=str(inside), env={**os.environ, "HOME": str(home)},
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update", "--disable-sync",
                  *way],
        )  # fmt: skip
        page = browser.pages[0]
        page.on("response", lambda one: None if one.url.endswith(".ico") else answers.append(one))
        await page.goto(f"https://{first}/first", timeout=60_000)
        await between()
        await page.evaluate(
            "url => fetch(url, {mode: 'no-cors', credentials: 'include'}).then(one => one.type)",
            f"https://{second}/second",
        )
        told = [(one.status, await one.security_details()) for one in answers]
        await browser.close()
    return [(str(status), str((who or {}).get("issuer"))) for status, who in told]


def test_after_the_inspected_name_the_one_that_passes_has_a_connection_of_its_own(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with world(tmp_path, "transparent") as here:
            assert await browse(here, INSPECTED, PASSED) == [("200", MITMPROXY), ("200", SITES)]
            first, second = here.arrivals
            assert first[0].split()[0] == first[1] == INSPECTED
            assert second[0].split()[0] == second[1] == PASSED
            assert first[0] != second[0]
            assert [here.decrypted(path) for path in ("/first", "/second")] == [1, 0]

    asyncio.run(run())


def test_a_rule_that_comes_later_sends_an_open_connections_request_to_another(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with world(tmp_path, "transparent", rules="") as here:

            async def rule_comes() -> None:
                here.rules.write_text(RULES)
                lines = here.mitm.lines
                await until_it_holds(lambda: any("2 bypass rules in force" in one for one in lines))

            found = await browse(here, INSPECTED, PASSED, rule_comes)
            assert found == [("200", MITMPROXY), ("200", SITES)]
            assert here.arrivals[1][0].split()[0] == PASSED
            said = [line for line in here.mitm.lines if "answered 421" in line]
            assert len(said) == 1
            assert f"{PASSED} is asked for on the connection of {INSPECTED}" in said[0]

    asyncio.run(run())


def test_after_the_name_that_passes_the_inspected_one_rides_along_and_this_is_told(
    tlsight: Run, tmp_path: Path
) -> None:
    """Nothing can be done about it here: the leaf is the server's own. Approval and lint say it."""

    async def run() -> None:
        async with world(tmp_path, "transparent", rules="") as here:
            for name in (INSPECTED, PASSED):
                here.curl(f"https://{name}/")

            def accepted() -> set[str]:
                with BypassStore(here.store, clock.now) as store:
                    return {one.host for one in store.traffic.attempts()}

            await until_it_holds(
                lambda: accepted() == {INSPECTED, PASSED}, "both in the store", accepted
            )
            added = await asyncio.to_thread(
                tlsight, "bypass", "add", PASSED, *ABOUT, "--store", here.store
            )
            assert f"Passing {PASSED} also hides {INSPECTED}" in added.stderr
            linted = await asyncio.to_thread(
                tlsight, "bypass", "lint", "--json", "--store", here.store, "--rules", here.rules
            )
            found = [json.loads(line) for line in linted.stdout.splitlines()]
            assert [one["rule"] for one in found if one["id"] == "covers-inspected"] == [PASSED]
            lines = here.mitm.lines
            await until_it_holds(lambda: any("1 bypass rules in force" in one for one in lines))
            assert await browse(here, PASSED, INSPECTED) == [("200", SITES), ("200", SITES)]
            first, second = here.arrivals[-2:]
            assert first[0] == second[0]
            assert second[1] == INSPECTED
            assert here.decrypted("/second") == 0

    asyncio.run(run())


def test_an_address_of_its_own_keeps_the_inspected_name_off_the_connection_that_passes(
    tmp_path: Path,
) -> None:
    """What a gateway that answers DNS can do about it."""

    async def run() -> None:
        async with world(tmp_path, "transparent", passed_at="203.0.113.11") as here:
            assert await browse(here, PASSED, INSPECTED) == [("200", SITES), ("200", MITMPROXY)]
            assert here.decrypted("/second") == 1

    asyncio.run(run())


@pytest.mark.parametrize(("first", "second"), [(INSPECTED, PASSED), (PASSED, INSPECTED)])
def test_a_browser_that_asks_a_proxy_opens_a_connection_for_each_name(
    first: str, second: str, tmp_path: Path
) -> None:
    async def run() -> None:
        async with world(tmp_path, "regular") as here:
            who = {INSPECTED: ("200", MITMPROXY), PASSED: ("200", SITES)}
            assert await browse(here, first, second) == [who[first], who[second]]
            assert [one[0].split()[0] for one in here.arrivals] == [first, second]

    asyncio.run(run())


def test_blocked_names_are_blocked_over_plain_http_connect_and_socks(tmp_path: Path) -> None:
    rules = RULES + '[[rule]]\ncidr = "203.0.113.0/24"\naction = "block"\n'
    status = ("-o", "/dev/null", "-w", "%{http_code} %{http_connect}")

    async def answers(mode: str, *asked: Sequence[str], listed: str = RULES) -> list[str]:
        folder = tmp_path / f"{mode}{len(listed)}"
        folder.mkdir()
        async with world(folder, mode, listed) as here:
            found = [await asyncio.to_thread(here.curl, *words) for words in asked]
            assert not any(BLOCKED in authority for _, authority, _ in here.arrivals)
            return found

    async def run() -> None:
        proxy = ("-x", f"http://10.77.0.2:{PROXY_PORT}")
        assert await answers(
            "regular",
            (*proxy, *status, f"http://{BLOCKED}/"),
            (*proxy, *status, "-H", f"Host: {BLOCKED}", f"http://{INSPECTED}/"),
            (*proxy, *status, f"https://{BLOCKED}/"),
            (*proxy, *status, f"http://{INSPECTED}/"),
            (*proxy, "-H", "accept: application/json", f"http://{BLOCKED}/"),
        ) == [
            "403 000", "403 000", "000 403", "200 000",
            '{"host": "bad.site.test", "status": 403, "title": "blocked", "text": "The rules of this proxy block it."}',
        ]  # fmt: skip
        assert await answers(
            "transparent",
            (*status, f"http://{BLOCKED}/"),
            (*status, "-H", f"Host: {BLOCKED}", f"http://{INSPECTED}/"),
            (*status, f"https://{BLOCKED}/"),
            (*status, f"http://{PASSED}/"),
        ) == ["403 000", "403 000", "000 000", "200 000"]
        by_address = ((*status, f"http://{INSPECTED}/"), (*status, f"http://{PASSED}/"))
        assert await answers("transparent", *by_address, listed=rules) == ["403 000", "200 000"]
        socks = ("-x", f"socks5h://10.77.0.2:{PROXY_PORT}")
        assert await answers(
            "socks5",
            (*socks, *status, f"https://{BLOCKED}/"),
            (*socks, *status, f"http://{BLOCKED}/"),
            (*socks, *status, f"https://{INSPECTED}/"),
        ) == ["000 000", "000 000", "200 000"]

    asyncio.run(run())


def test_another_host_on_a_kept_connection_does_not_reach_the_server(tmp_path: Path) -> None:
    """HTTP/1.1, and HTTP/2 by a client that cares for no leaf."""

    async def run() -> None:
        async with world(tmp_path, "transparent") as here:
            for version, refused in (("--http1.1", "403"), ("--http2", "421")):
                shown = ("-sk", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\\n", version)
                words: list[str] = []
                for host in (INSPECTED, PASSED, BLOCKED, INSPECTED):
                    words += [*shown, "-H", f"Host: {host}", f"https://{INSPECTED}/", "--next"]
                found = await asyncio.to_thread(here.curl, *words[:-1])
                assert found.split("\n")[:4] == ["200 1", "421 0", f"{refused} 0", "200 0"]
            assert {authority for _, authority, _ in here.arrivals} == {INSPECTED}

    asyncio.run(run())


def test_what_is_neither_tls_nor_http_is_blocked_by_its_address(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\n" + await reader.read(100))
        await writer.drain()
        writer.close()

    async def told(folder: Path, rules: str) -> bytes:
        """What a client hears in a tunnel to the server."""
        folder.mkdir()
        (folder / "root.pem").write_text(LabPki().root.pem)
        (folder / "rules.toml").write_text(rules)
        async with (
            await asyncio.start_server(echo, "127.0.0.1", 0) as server,
            Mitmdump(
                folder / "mitm", trust=folder / "root.pem", scripts=(bypass_script(),),
                settings=(f"bypass_rules={folder / 'rules.toml'}", "bypass_store="),
            ) as mitm,
        ):  # fmt: skip
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", mitm.port)
            writer.write(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            writer.write(b"\x00\x01\x02 raw\n")
            async with asyncio.timeout(PATIENCE):
                found = await reader.read()
            writer.close()
            return found

    async def run() -> None:
        rule = '[[rule]]\ncidr = "127.0.0.0/8"\n'
        assert await told(tmp_path / "pass", rule) == b"220 hello\n\x00\x01\x02 raw\n"
        assert await told(tmp_path / "block", rule + 'action = "block"\n') == b""

    asyncio.run(run())


class _Http3(QuicConnectionProtocol):
    """Both ends: answers 200 to every request, and keeps what it hears."""

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self.http = H3Connection(self._quic)
        self.heard: list[dict[str, str]] = []
        self.ended = asyncio.Event()

    def quic_event_received(self, event: QuicEvent) -> None:
        for one in self.http.handle_event(event):
            if isinstance(one, HeadersReceived):
                headers = {name.decode(): value.decode() for name, value in one.headers}
                self.heard.append(headers)
                if ":authority" in headers:
                    asked.append(headers[":authority"])
                    self.http.send_headers(one.stream_id, [(b":status", b"200")], end_stream=True)
                    self.transmit()
            if isinstance(one, (HeadersReceived, DataReceived)) and one.stream_ended:
                self.ended.set()

    async def get(self, authority: str) -> str:
        """The status."""
        self.ended.clear()
        stream = self._quic.get_next_available_stream_id()
        self.http.send_headers(
            stream,
            [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", authority.encode()),
             (b":path", b"/")],
            end_stream=True,
        )  # fmt: skip
        self.transmit()
        async with asyncio.timeout(PATIENCE):
            await self.ended.wait()
        return self.heard[-1][":status"]


asked: list[str] = []


def test_a_second_name_on_an_http3_connection_does_not_reach_the_server(tmp_path: Path) -> None:
    async def run() -> None:
        asked.clear()
        pki = LabPki()
        shown = pki.issue(PASSED, INSPECTED, BLOCKED).write(tmp_path / "origin.pem")
        configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
        configuration.load_cert_chain(shown, shown)
        server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=_Http3)
        port = server._transport.get_extra_info("sockname")[1]
        (tmp_path / "root.pem").write_text(pki.root.pem)
        (tmp_path / "rules.toml").write_text(RULES)
        async with Mitmdump(
            tmp_path / "mitm", trust=tmp_path / "root.pem", scripts=(bypass_script(),),
            settings=(f"mode=reverse:http3://127.0.0.1:{port}", "keep_host_header=true",
                      f"bypass_rules={tmp_path / 'rules.toml'}", "bypass_store="),
        ) as mitm:  # fmt: skip
            options = QuicConfiguration(
                is_client=True, alpn_protocols=["h3"], server_name=INSPECTED,
                verify_mode=ssl.CERT_NONE,
            )  # fmt: skip
            async with connect(
                "127.0.0.1", mitm.port, configuration=options, create_protocol=_Http3
            ) as client:
                assert isinstance(client, _Http3)
                found = [await client.get(host) for host in (INSPECTED, PASSED, BLOCKED, INSPECTED)]
                leaf = client._quic.tls._peer_certificate
        assert found == ["200", "421", "421", "200"]
        assert asked == [INSPECTED, INSPECTED]
        assert leaf is not None
        assert PASSED.encode() not in leaf.public_bytes(Encoding.DER)
        server.close()

    asyncio.run(run())
