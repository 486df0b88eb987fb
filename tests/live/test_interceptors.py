"""Each real interceptor in front of one origin with two unrelated hosts: who really answers?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from addons.scripts import bypass_script
from detector.chain.certificate import Certificate
from detector.judging.judge import judge_all
from detector.known.hosts import HostPattern
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.known.knowledge import Knowledge
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.observation import Judgement
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from detector.runs.check import CheckRun
from tests.live import programs
from tests.live.conftest import SEEN
from tests.live.programs import corporate_ca
from tests.live.waiting import PATIENCE, until_it_holds

pytestmark = pytest.mark.live
HOSTS = ("shop.test", "bank.test")


@dataclass
class World:
    """The origin, what the judge knows, and where programs keep their files."""

    pki: LabPki
    known: Knowledge
    folder: Path
    trust: Path
    origin: Origin

    def options(self, **how: object) -> ProbeOptions:
        return ProbeOptions(timeout=PATIENCE, **how)  # type: ignore[arg-type]

    async def judge(self, options: ProbeOptions, *, port: int = 443) -> list[Judgement]:
        seen = [await probe(parse_target(f"{host}:{port}"), options) for host in HOSTS]
        return judge_all(seen, self.known)

    async def direct(self) -> list[Judgement]:
        return await self.judge(self.options(connect_to=("127.0.0.1", self.origin.port)))

    async def through(self, proxy: int, *, by_name: bool = False) -> list[Judgement]:
        """Through an explicit proxy; `by_name` leaves the names to the proxy."""
        routing = Routing(parse_proxy(f"http://127.0.0.1:{proxy}"))
        if by_name:
            return await self.judge(self.options(routing=routing), port=self.origin.port)
        where = ("127.0.0.1", self.origin.port)
        return await self.judge(self.options(routing=routing, connect_to=where))

    async def at(self, port: int) -> list[Judgement]:
        """At a program that stands where the hosts' address is."""
        return await self.judge(self.options(connect_to=("127.0.0.1", port)))


@asynccontextmanager
async def world(folder: Path) -> AsyncGenerator[World]:
    pki = LabPki()
    trust = folder / "root.pem"
    trust.write_text(pki.root.pem)
    trust.chmod(0o644)
    programs.readable_by_all(folder)
    known = pki.knowledge()
    async with Origin({host: pki.issue(host) for host in HOSTS}) as origin:
        yield World(pki, known, folder, trust, origin)


def told(judgement: Judgement) -> str:
    who = judgement.interceptor
    return judgement.verdict + (f", engine {who.engine}" if who and who.engine else "")


def note(name: str, direct: list[Judgement], behind: list[Judgement]) -> None:
    SEEN[name] = {
        "direct": " / ".join(sorted({told(j) for j in direct})),
        **{j.observation.target.host: told(j) for j in behind},
    }


def expect(name: str, direct: list[Judgement], behind: list[Judgement], engine: str | None) -> None:
    note(name, direct, behind)
    assert [j.verdict for j in direct] == ["direct", "direct"]
    for judgement in behind:
        assert judgement.verdict == "intercepted", judgement.summary
        assert judgement.interceptor is not None
        assert judgement.interceptor.engine == engine


@pytest.mark.parametrize(
    ("name", "settings", "ca"),
    [
        ("mitmproxy", (), None),
        ("mitmproxy, renamed CA", (), "Example Corp Gateway"),
        ("mitmproxy, upstream appended", ("add_upstream_certs_to_client_chain=true",), None),
        ("mitmproxy, no upstream certificate", ("upstream_cert=false",), None),
    ],
)
def test_mitmproxy(tmp_path: Path, name: str, settings: tuple[str, ...], ca: str | None) -> None:
    async def run() -> None:
        async with world(tmp_path) as at:
            authority = corporate_ca(ca).credential() if ca else None
            mitm = Mitmdump(tmp_path / "m", trust=at.trust, ca=authority, settings=settings)
            async with mitm:
                behind = await at.through(mitm.port)
            expect(name, await at.direct(), behind, "mitmproxy")
            if "appended" in name:
                assert all(len(j.observation.chain) >= 2 for j in behind)

    asyncio.run(run())


def test_squid(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as at:
            hosts = dict.fromkeys(HOSTS, "127.0.0.1")
            with programs.Squid(tmp_path / "squid", corporate_ca(), at.trust, hosts) as squid:
                behind = await at.through(squid.port, by_name=True)
            expect("squid ssl-bump", await at.direct(), behind, "squid")

    asyncio.run(run())


def test_haproxy(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as at:
            with programs.Haproxy(tmp_path / "haproxy", corporate_ca(), at.origin.port) as haproxy:
                behind = await at.at(haproxy.port)
            expect("haproxy generate-certificates", await at.direct(), behind, "haproxy")

    asyncio.run(run())


def test_nginx_has_no_shape_and_is_caught_where_logs_know_the_hosts(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as at:
            ca = corporate_ca()
            static = {host: ca.issue(host, days=365) for host in HOSTS}
            with programs.Nginx(tmp_path / "nginx", static, at.origin.port) as nginx:
                unknown = await at.at(nginx.port)
                key = Certificate(at.pki.intermediate.der).spki_sha256
                rows = [KnownIssuers(HostPattern(h), frozenset((key,)), "CT") for h in HOSTS]
                at.known = replace(at.known, issuers=(IssuerTable(rows),))
                behind = await at.at(nginx.port)
            expect("nginx terminating", await at.direct(), behind, None)
            assert [j.verdict for j in unknown] == ["suspect", "suspect"]

    asyncio.run(run())


def test_proxy_py(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as at:
            with programs.ProxyPy(tmp_path / "proxypy", corporate_ca(), at.trust) as proxy:
                behind = await at.through(proxy.port, by_name=True)
            expect("proxy.py", await at.direct(), behind, "proxy.py")

    asyncio.run(run())


def test_http_mitm_proxy(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as at:
            with programs.HttpMitmProxy(tmp_path / "node") as proxy:
                behind = await at.through(proxy.port)
            note("http-mitm-proxy", await at.direct(), behind)
            # It mints for what CONNECT names, which is an address here: named, and for another name.
            for found in behind:
                assert (found.verdict, found.decided_by) == ("suspect", "other-name")
                assert found.interceptor is not None
                assert found.interceptor.engine == "http-mitm-proxy"

    asyncio.run(run())


def test_sslsplit(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as at:
            with programs.Sslsplit(tmp_path / "split", corporate_ca(), at.origin.port) as split:
                behind = await at.at(split.port)
            expect("sslsplit", await at.direct(), behind, "sslsplit")

    asyncio.run(run())


def test_the_direct_route_unmasks_a_forger_that_no_table_knows(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as at:
            ca = corporate_ca().credential()
            async with Mitmdump(tmp_path / "m", trust=at.trust, ca=ca) as mitm:
                options = at.options(
                    routing=Routing(parse_proxy(mitm.url)),
                    connect_to=("127.0.0.1", at.origin.port),
                )
                blind = replace(at.known, engines=(), products=())
                for compare, expected in ((False, "suspect"), (True, "intercepted")):
                    session = CheckRun(blind, options, compare_direct=compare)
                    found = [j async for j in session.run([parse_target(HOSTS[0])])]
                    assert [j.verdict for j in found] == [expected]
                assert {"route-differs", "public-host-private-ca"} <= {
                    e.id for e in found[0].evidence
                }

    asyncio.run(run())


def test_socks5_and_basic_authentication_through_a_passing_mitmproxy(tmp_path: Path) -> None:
    """A proxy that only passes bytes on leaves the verdict direct, whatever it speaks."""

    async def run() -> None:
        settings = ("ignore_hosts=.*", "proxyauth=alice:hunter2")
        async with world(tmp_path) as at:
            where = ("127.0.0.1", at.origin.port)

            async def verdicts(url: str) -> list[str]:
                options = at.options(routing=Routing(parse_proxy(url)), connect_to=where)
                found = await at.judge(options)
                return [j.causes[0].id if j.causes else j.verdict for j in found]

            for mode, scheme in (("regular", "http"), ("socks5", "socks5h")):
                folder = tmp_path / mode
                async with Mitmdump(
                    folder, trust=at.trust, settings=(*settings, f"mode={mode}")
                ) as mitm:
                    good = f"{scheme}://alice:hunter2@127.0.0.1:{mitm.port}"
                    bad = f"{scheme}://alice:wrong@127.0.0.1:{mitm.port}"
                    none = f"{scheme}://127.0.0.1:{mitm.port}"
                    assert await verdicts(good) == ["direct", "direct"]
                    assert await verdicts(bad) == ["proxy-auth-required"] * 2
                    assert await verdicts(none) == ["proxy-auth-required"] * 2

    asyncio.run(run())


def test_the_bypass_addon_in_a_real_mitmdump(tmp_path: Path) -> None:
    """Rules are read, re-read when the file changes, and kept when it breaks."""

    async def run() -> None:
        rules = tmp_path / "rules.toml"
        rules.write_text('[[rule]]\nhost = "Bank.Test."\nreason = "pinned"\n')
        async with world(tmp_path) as at, NameServer.here(HOSTS) as names:
            async with Mitmdump(
                tmp_path / "m",
                trust=at.trust,
                scripts=(bypass_script(),),
                settings=(f"bypass_rules={rules}", f"bypass_resolver={names.at}"),
            ) as mitm:

                async def verdicts() -> list[str]:
                    return [j.verdict for j in await at.through(mitm.port)]

                assert await verdicts() == ["intercepted", "direct"]

                rules.write_text("[[rule]]\nhost = ")
                lines = mitm.lines
                await until_it_holds(lambda: any("rules in force stay" in line for line in lines))
                assert await verdicts() == ["intercepted", "direct"]
                rules.write_text('[[rule]]\nsuffix = "shop.test"\n[[rule]]\nhost = "x.test"\n')
                await until_it_holds(
                    lambda: any("2 bypass rules in force" in line for line in lines)
                )
                assert await verdicts() == ["direct", "intercepted"]

    asyncio.run(run())
