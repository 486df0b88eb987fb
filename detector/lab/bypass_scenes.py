"""Scenes of the demonstration about letting hosts through: a pinned client breaks behind a real mitmproxy, is
found, approved, and works; then the same list serves a real Squid.

Everything is done by the command, as an administrator does it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from detector.chain.certificate import read_certificate
from detector.judging.judge import judge_all
from detector.lab.expected import ExpectedRow
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from detector.lab.squid import squid_command, squid_path
from detector.model.observation import Observation
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from detector.own_python import tlsight

HOST, OTHER = "app.pinned.test", "www.shop.test"
_PATIENCE = 60.0


async def play(folder: Path, trust: Path, pki: LabPki, script: Path) -> list[ExpectedRow]:
    """The rows.

    Args:
        folder: for everything that is written.
        trust: PEM file of the root of `pki`.
        pki: who vouches for the origin.
        script: the addon.

    """
    if shutil.which("curl") is None:
        return [ExpectedRow("bypass: a pinned client behind mitmproxy", "needs curl", None)]
    store = folder / "bypass.sqlite3"
    async with (
        Origin({host: pki.issue(host) for host in (HOST, OTHER)}) as origin,
        NameServer.here((HOST, OTHER)) as names,
        Mitmdump(
            folder / "mitm", trust=trust, scripts=(script,),
            settings=(
                "bypass_mode=suggest", f"bypass_store={store}", f"upstream_roots={trust}",
                f"bypass_resolver={names.at}",
            ),
        ) as proxy,
    ):  # fmt: skip
        stage = Stage(folder, pki, origin, proxy, store)
        rows = await stage.story()
        rows.append(await stage.squid(trust))
    return rows


class Stage:
    """One origin, one proxy, and clients at two addresses that trust the proxy's CA and pin the origin's key."""

    def __init__(
        self, folder: Path, pki: LabPki, origin: Origin, proxy: Mitmdump, store: Path
    ) -> None:
        self.folder, self.pki, self.origin, self.proxy, self.store = (
            folder,
            pki,
            origin,
            proxy,
            store,
        )
        self.trusted = folder / "trusted.pem"

    async def story(self) -> list[ExpectedRow]:
        """From the first failure to the client that works."""
        rows: list[ExpectedRow] = []
        ca = (self.proxy.folder / "mitmproxy-ca-cert.pem").read_text()
        self.trusted.write_text(ca + self.pki.root.pem)
        pin = await self.pin()
        well = await self.clients(OTHER, None)
        rows.append(
            ExpectedRow("bypass: two clients that trust the proxy, another host", "200, 200", well)
        )
        for _ in range(4):
            broken = await self.clients(HOST, pin)
        rows.append(
            ExpectedRow("bypass: the same two with an app that pins", "refused, refused", broken)
        )
        found = await self.candidate()
        rows.append(ExpectedRow("bypass: what was learned", f"{HOST}: certificate-pinned", found))
        approved = await self.command(
            "approve", HOST, "--reason", "pinned app", "--owner", "demo", "--expires", "30d"
        )
        expected = f"pass {HOST}:{self.origin.port}"
        rows.append(ExpectedRow("bypass: approved by the command", expected, approved.strip()))
        seen = await self.clients(HOST, pin)
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while seen != "200, 200" and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.2)
            seen = await self.clients(HOST, pin)
        rows.append(ExpectedRow("bypass: the app afterwards", "200, 200", seen))
        rows.append(
            ExpectedRow("bypass: check of it through the proxy", "direct", await self.verdict(HOST))
        )
        other = await self.verdict(OTHER)
        rows.append(ExpectedRow("bypass: check of the other host", "intercepted", other))
        told = await self.command("audit", "verify")
        trail = told.rstrip().rpartition("\n")[2]
        rows.append(
            ExpectedRow("bypass: the audit trail", "2 entries hold", trail.partition(";")[0])
        )
        return rows

    async def squid(self, trust: Path) -> ExpectedRow:
        """The same list in a real Squid."""
        what = "bypass: the list in Squid: the app, the other host"
        if squid_path() is None:
            return ExpectedRow(what, "needs squid-openssl", None)
        lines = await self.command("export", "squid", "--port", str(self.origin.port))
        async with _squid(self.folder / "squid", trust, lines) as url:
            seen = [await self.observe(host, url) for host in (HOST, OTHER)]
        signers = [
            read_certificate(one.chain[0]).issuer_text if one.chain else "nobody" for one in seen
        ]
        done = ["bumped" if "Gateway" in one else "spliced" for one in signers]
        return ExpectedRow(what, "spliced, bumped", ", ".join(done))

    async def pin(self) -> str:
        """The origin's key, as the app carries it."""
        direct = await self.observe(HOST, None)
        return base64.b64encode(
            bytes.fromhex(read_certificate(direct.chain[0]).spki_sha256)
        ).decode()

    async def clients(self, host: str, pin: str | None) -> str:
        """What two clients at different addresses get."""
        pinned = ("--pinnedpubkey", f"sha256//{pin}") if pin else ()
        answers: list[str] = []
        for address in ("127.0.0.1", "127.0.0.2"):
            said, code = await _run(
                "curl", "-s", "-o", os.devnull, "-m", "10", "-w", "%{http_code}", "--noproxy", "",
                "--interface", address, "--proxy", self.proxy.url, "--cacert", str(self.trusted),
                "--connect-to", f"{host}:443:127.0.0.1:{self.origin.port}", *pinned,
                f"https://{host}/",
            )  # fmt: skip
            answers.append(said if code == 0 else "refused" if code == 90 else f"curl {code}")
        return ", ".join(answers)

    async def candidate(self) -> str:
        """The candidate that comes up, with its class."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            lines = (await self.command("candidates", "--json")).splitlines()
            if lines:
                found = json.loads(lines[0])["candidate"]
                return f"{found['host']}: {found['kind']}"
            await asyncio.sleep(0.2)
        return "nothing"

    async def command(self, *words: str) -> str:
        """`tlsight bypass ...` on this store."""
        said, _ = await _run(*tlsight("bypass", *words, "--store", str(self.store)))
        return said

    async def verdict(self, host: str, proxy: str | None = None) -> str:
        observation = await self.observe(host, proxy or self.proxy.url)
        return judge_all([observation], self.pki.knowledge())[0].verdict

    async def observe(self, host: str, proxy: str | None) -> Observation:
        routing = Routing(parse_proxy(proxy)) if proxy else Routing()
        # Squid splices by name and resolves it itself: only mitmproxy is given the address.
        own = proxy is not None and proxy != self.proxy.url
        where = None if own else ("127.0.0.1", self.origin.port)
        port = self.origin.port if own else 443
        options = ProbeOptions(routing=routing, connect_to=where, timeout=10)
        return await probe(parse_target(host, port=port), options)


@asynccontextmanager
async def _squid(folder: Path, trust: Path, bumping: str) -> AsyncGenerator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ca = Authority("Example Corp Web Gateway", organization="Example Corp").credential()
    hosts = dict.fromkeys((HOST, OTHER), "127.0.0.1")
    command = await asyncio.to_thread(squid_command, folder, port, ca, trust, hosts, bumping)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _run(*command: str) -> tuple[str, int]:
    """What a command printed, and its exit code; proxies of the environment do not count."""
    clean = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, env=clean,
    )  # fmt: skip
    said, _ = await process.communicate()
    return said.decode(errors="replace"), process.returncode or 0
