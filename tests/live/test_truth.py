"""Upstream of a real mitmproxy: another interceptor, servers that are broken, and what its clients are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addons.scripts import bypass_script
from detector.lab.broken_certificates import HOST, leaf_alone, root_and_all, self_signed
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.live.clients import said
from tests.live.programs import Squid, corporate_ca, find
from tests.live.waiting import until_it_holds

pytestmark = pytest.mark.live
FLOWS = """
import json
class Flows:
    def response(self, flow):
        print("FLOW", json.dumps([flow.request.pretty_host, flow.marked, flow.metadata.get("tlsight")]), flush=True)
addons = [Flows()]
"""


@asynccontextmanager
async def inspecting(
    folder: Path, trust: str, roots: str, *settings: str
) -> AsyncGenerator[Mitmdump]:
    """A mitmproxy with the addon that trusts one set of roots, and calls another public."""
    folder.mkdir(parents=True)
    (folder / "trust.pem").write_text(trust)
    (folder / "public.pem").write_text(roots)
    flows = folder / "flows.py"
    flows.write_text(FLOWS)
    values = (f"upstream_roots={folder}/public.pem", "bypass_store=", *settings)
    async with Mitmdump(
        folder / "mitm",
        trust=folder / "trust.pem",
        scripts=(bypass_script(), flows),
        settings=values,
    ) as proxy:
        # Its tables are read by a thread.
        await until_it_holds(lambda: any("chains are judged" in line for line in proxy.lines))
        yield proxy


def fetch(proxy: Mitmdump, host: str, port: int, *more: str) -> str:
    ca = proxy.folder / "mitmproxy-ca-cert.pem"
    return said(
        find("curl"), "-sS", "-m", "30", "-x", proxy.url, "--cacert", str(ca), "--connect-to",
        f"{host}:443:127.0.0.1:{port}", *more, f"https://{host}/",
    )  # fmt: skip


def flows(proxy: Mitmdump) -> list[list[object]]:
    return [json.loads(line.partition("FLOW ")[2]) for line in proxy.lines if "FLOW " in line]


async def has_said(proxy: Mitmdump, text: str = "", flows_too: int = 0) -> None:
    """Wait until a line with this text, and so many flows, have been read from its output."""
    await until_it_holds(
        lambda: any(text in line for line in proxy.lines) and len(flows(proxy)) >= flows_too,
        f"{text!r} and {flows_too} flows", lambda: proxy.lines,
    )  # fmt: skip


def test_an_interceptor_behind_the_proxy_is_told_and_its_flows_are_marked(tmp_path: Path) -> None:
    async def run() -> None:
        pki = LabPki()
        trust = tmp_path / "root.pem"
        trust.write_text(pki.root.pem)
        async with (
            Origin({host: pki.issue(host) for host in ("shop.test", "bank.test")}) as origin,
            Mitmdump(tmp_path / "behind", trust=trust) as behind,
        ):
            ca = (tmp_path / "behind" / "mitmproxy-ca-cert.pem").read_text()
            both = ca + pki.root.pem
            way = f"mode=upstream:{behind.url}"
            async with inspecting(tmp_path / "a", both, pki.root.pem, way) as proxy:
                assert await asyncio.to_thread(fetch, proxy, "shop.test", origin.port) == "ok\n"
                await has_said(proxy, "intercepted between", flows_too=1)
                told = [line for line in proxy.lines if "intercepted between" in line]
                assert len(told) == 1
                assert "CN=mitmproxy" in told[0]
                (flow,) = flows(proxy)
                assert flow[1] == ":warning:"
                assert flow[2]["verdict"] == "intercepted"  # type: ignore[index]
            async with inspecting(tmp_path / "b", pki.root.pem, pki.root.pem) as proxy:
                assert await asyncio.to_thread(fetch, proxy, "shop.test", origin.port) == "ok\n"
                await has_said(proxy, flows_too=1)
                (flow,) = flows(proxy)
                assert flow[1] == ""
                assert flow[2]["verdict"] != "intercepted"  # type: ignore[index]
                assert not [line for line in proxy.lines if "intercepted between" in line]

    asyncio.run(run())


@pytest.mark.parametrize("strategy", ["eager", "lazy"])
def test_an_interceptor_that_the_proxy_does_not_trust_is_named_and_not_called_incomplete(
    strategy: str, tmp_path: Path
) -> None:
    async def run() -> None:
        pki = LabPki()
        trust = tmp_path / "root.pem"
        trust.write_text(pki.root.pem)
        async with (
            Origin({"shop.test": pki.issue("shop.test")}) as origin,
            Mitmdump(tmp_path / "behind", trust=trust) as behind,
        ):
            way = (f"mode=upstream:{behind.url}", f"connection_strategy={strategy}")
            async with inspecting(tmp_path / "a", pki.root.pem, pki.root.pem, *way) as proxy:
                words = ("-H", "Accept: application/json")
                found = json.loads(
                    await asyncio.to_thread(fetch, proxy, "shop.test", origin.port, *words)
                )
                assert found["cause"] == "tls-intercepted"
                assert found["product"] == "mitmproxy"
                assert "mitmproxy" in found["issuer"]
                assert found["host"] == "shop.test"
                page = await asyncio.to_thread(fetch, proxy, "shop.test", origin.port, "-i")
                assert " 502" in page
                assert "<code>tls-intercepted</code>" in page
                assert "<dd>mitmproxy</dd>" in page
                await has_said(proxy, "intercepted between", flows_too=2)
                for _, marked, verdict in flows(proxy):
                    assert marked == ":warning:"
                    assert verdict["verdict"] == "intercepted"  # type: ignore[index]
                    assert verdict["causes"] == ["tls-intercepted"]  # type: ignore[index]
                assert len(flows(proxy)) == 2
                told = [line for line in proxy.lines if "intercepted between" in line]
                assert len(told) == 1
                assert told[0].endswith("whose CA it does not trust")

    asyncio.run(run())


@pytest.mark.parametrize("strategy", ["eager", "lazy"])
def test_a_gateway_behind_the_proxy_is_named(strategy: str, tmp_path: Path) -> None:
    async def run() -> None:
        pki = LabPki()
        ca = corporate_ca()
        async with Origin({"shop.test": pki.issue("shop.test")}) as origin:
            (tmp_path / "root.pem").write_text(pki.root.pem)
            hosts = {"shop.test": "127.0.0.1"}
            with Squid(tmp_path / "squid", ca, tmp_path / "root.pem", hosts) as squid:
                way = (
                    f"mode=upstream:http://127.0.0.1:{squid.port}",
                    f"connection_strategy={strategy}",
                )
                async with inspecting(tmp_path / "a", pki.root.pem, pki.root.pem, *way) as proxy:
                    words = ("-H", "Accept: application/json")
                    found = json.loads(
                        await asyncio.to_thread(fetch, proxy, "shop.test", origin.port, *words)
                    )
        print(found)
        assert found["cause"] == "tls-intercepted"
        assert "Example Corp Web Gateway CA" in found["issuer"]

    asyncio.run(run())


def test_a_second_request_and_one_by_an_absolute_url_get_the_page_too(tmp_path: Path) -> None:
    async def run() -> None:
        pki = LabPki()
        old = datetime.now(UTC).replace(microsecond=0) - timedelta(days=100)
        expired = Authority("Intermediate", parent=pki.root, now=old).issue("shop.test", days=30)
        async with (
            Origin({"shop.test": expired}) as origin,
            inspecting(tmp_path / "a", pki.root.pem, pki.root.pem) as proxy,
        ):
            # Both by one connection of the client.
            twice = await asyncio.to_thread(
                fetch, proxy, "shop.test", origin.port, "https://shop.test/again"
            )
            assert twice.count("<code>certificate-expired</code>") == 2
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            asked = f"GET https://localhost:{origin.port}/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            writer.write(asked.encode())
            page = (await reader.read()).decode()
            writer.close()
            assert page.startswith("HTTP/1.1 502")
            assert "cannot reach localhost safely" in page

    asyncio.run(run())


@pytest.mark.parametrize("strategy", ["eager", "lazy"])
@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("expired", "certificate-expired"),
        ("self-signed", "self-signed"),
        ("wrong host", "hostname-mismatch"),
        ("unknown CA", "untrusted-root"),
        ("no intermediate", "incomplete-chain"),
    ],
)
def test_a_broken_server_gives_a_page_with_the_cause_and_who_mends_it(
    what: str, cause: str, strategy: str, tmp_path: Path
) -> None:
    async def run() -> None:
        pki = LabPki()
        old = datetime.now(UTC).replace(microsecond=0) - timedelta(days=100)
        host = "shop.test" if what in ("expired", "wrong host") else HOST
        if what == "expired":
            shown = Authority("Intermediate", parent=pki.root, now=old).issue(host, days=30)
        elif what == "self-signed":
            shown = self_signed(pki)
        elif what == "unknown CA":
            shown = root_and_all(pki)
        elif what == "no intermediate":
            shown = leaf_alone(pki)
        else:
            shown = pki.issue("another.test")
        async with (
            Origin({host: shown}) as origin,
            inspecting(
                tmp_path / "a", pki.root.pem, pki.root.pem, f"connection_strategy={strategy}"
            ) as proxy,
        ):
            page = await asyncio.to_thread(fetch, proxy, host, origin.port, "-i")
            assert " 502" in page
            assert f"<code>{cause}</code>" in page
            assert f"cannot reach {host} safely" in page
            body = await asyncio.to_thread(
                fetch, proxy, host, origin.port, "-H", "Accept: application/json"
            )
            found = json.loads(body)
            assert (found["host"], found["cause"]) == (host, cause)
            assert found["fix"]
            assert "claimed_host" not in found
            # Whatever the client says in its request, the server is the one that was dialled.
            lie = ("-H", "Host: innocent.test", "-H", "Accept: application/json")
            found = json.loads(await asyncio.to_thread(fetch, proxy, host, origin.port, *lie))
            assert (found["host"], found["claimed_host"]) == (host, "innocent.test")
            await has_said(proxy, "Host header claims innocent.test")
            told = [line for line in proxy.lines if "cannot be reached" in line]
            assert (
                f"tlsight: {host} at 127.0.0.1:{origin.port} cannot be reached: {cause}" in told[-1]
            )
            assert told[-1].endswith("; the request's Host header claims innocent.test")
            assert "innocent" not in told[0]

    asyncio.run(run())
