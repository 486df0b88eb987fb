"""Exported rules in the real programs: what they say passes, passes, and nothing else does."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import Rule
from addons.formats import mitmproxy, registry, squid
from addons.formats.exported import Exported
from detector.judging.judge import judge_all
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from tests.live.gateways import (
    AnyName,
    EnvoyRouter,
    HaproxyRouter,
    NginxRouter,
    Privoxy,
    Router,
)
from tests.live.programs import Squid, corporate_ca, find, readable_by_all

pytestmark = pytest.mark.live
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RULES = (
    Rule(host="bank.example"),
    Rule(suffix="apple.example"),
    Rule(host="login.apple.example", action="inspect"),
    Rule(wildcard="cdn.example"),
    Rule(suffix="deep.login.apple.example"),
    Rule(suffix="www.bank.example"),
    Rule(host="deeper.www.bank.example"),
    Rule(host="blocked.apple.example", action="block"),
)
HOSTS = (
    "bank.example", "www.bank.example", "apple.example", "a.b.apple.example",
    "login.apple.example", "x.deep.login.apple.example", "one.cdn.example", "cdn.example",
    "one.two.cdn.example", "notapple.example", "other.example", "blocked.apple.example",
)  # fmt: skip


async def direct(proxy_url: str | None, port: int | None, pki: LabPki, at: int) -> set[str]:
    """Hosts whose own certificate comes through the proxy, or from that port."""
    where = ("127.0.0.1", port) if port is not None else None
    routing = Routing(parse_proxy(proxy_url)) if proxy_url is not None else Routing()
    options = ProbeOptions(timeout=60, connect_to=where, routing=routing)
    seen = [await probe(parse_target(f"{host}:{at}"), options) for host in HOSTS]
    judged = judge_all(seen, pki.knowledge())
    return {h for h, one in zip(HOSTS, judged, strict=True) if one.verdict == "direct"}


def passed(rules: Iterable[Rule], port: int) -> set[str]:
    matcher = Matcher(rules)
    found = {h: matcher.match(Arrival(h, None, None, port), NOW) for h in HOSTS}
    return {h for h, rule in found.items() if rule is not None and rule.action == "pass"}


def test_the_real_squid_splices_what_the_rules_pass(tmp_path: Path) -> None:
    async def run() -> None:
        pki = LabPki()
        trust = tmp_path / "root.pem"
        trust.write_text(pki.root.pem)
        trust.chmod(0o644)
        readable_by_all(tmp_path)
        names = dict.fromkeys(HOSTS, "127.0.0.1")
        text = squid.export(RULES, NOW).text
        async with Origin({host: pki.issue(host) for host in HOSTS}) as origin:
            with Squid(tmp_path / "squid", corporate_ca(), trust, names, text) as proxy:
                url = f"http://127.0.0.1:{proxy.port}"
                assert await direct(url, None, pki, origin.port) == passed(RULES, origin.port)

    asyncio.run(run())


def test_the_real_mitmproxy_ignores_what_the_rules_pass(tmp_path: Path) -> None:
    async def run() -> None:
        pki = LabPki()
        trust = tmp_path / "root.pem"
        trust.write_text(pki.root.pem)
        folder = tmp_path / "mitm"
        folder.mkdir()
        (folder / "config.yaml").write_text(mitmproxy.export(RULES, NOW).text)
        async with (
            Origin({host: pki.issue(host) for host in HOSTS}) as origin,
            Mitmdump(folder, trust=trust) as proxy,
        ):
            found = await direct(proxy.url, origin.port, pki, origin.port)
            assert found == passed(RULES, origin.port)

    asyncio.run(run())


def expected(target: str, port: int) -> set[str]:
    """What passes by the rules that the target can say."""
    refused = [one.rule for one in exported(target).refused]
    return passed([rule for rule in RULES if rule not in refused or rule.action != "pass"], port)


def exported(target: str) -> Exported:
    found = registry.export(target, RULES, NOW, skip_proxy=True)
    assert found.text
    return found


@pytest.mark.parametrize(
    ("target", "router", "refused"),
    [("haproxy", HaproxyRouter, 1), ("nginx", NginxRouter, 1), ("envoy", EnvoyRouter, 2)],
)
def test_a_real_router_sends_past_the_inspection_what_the_rules_pass(
    target: str, router: type[Router], refused: int, tmp_path: Path
) -> None:
    found = exported(target)
    assert len(found.refused) == refused

    async def run() -> None:
        pki = LabPki()
        gateway = corporate_ca()
        async with (
            Origin({host: pki.issue(host) for host in HOSTS}) as origin,
            Origin({host: gateway.issue(host) for host in HOSTS}) as inspecting,
        ):
            with router(tmp_path, found.text, origin.port, inspecting.port) as program:
                assert await direct(None, program.port, pki, 443) == expected(target, 443)

    asyncio.run(run())


def test_the_real_privoxy_leaves_encrypted_what_the_rules_pass(tmp_path: Path) -> None:
    found = exported("privoxy")
    assert len(found.refused) == 1

    async def run() -> None:
        pki = LabPki()
        trust = tmp_path / "root.pem"
        trust.write_text(pki.root.pem)
        async with (
            Origin({host: pki.issue(host) for host in HOSTS}) as origin,
            AnyName() as parent,
        ):
            folder = tmp_path / "gateway"
            with Privoxy(folder, found.text, corporate_ca(), trust, parent.port) as proxy:
                url = f"http://127.0.0.1:{proxy.port}"
                seen = await direct(url, None, pki, origin.port)
            assert seen == expected("privoxy", origin.port)

    asyncio.run(run())


PAC = """
const lines = require('fs').readFileSync(0, 'utf8');
const dnsDomainIs = (host, domain) => host.endsWith(domain);
const decide = new Function('dnsDomainIs', lines + '; return FindProxyForURL;')(dnsDomainIs);
for (const host of process.argv.slice(1)) console.log(host, decide('https://' + host + '/', host));
"""


def test_node_reads_the_auto_config_as_the_rules_mean_it() -> None:
    done = subprocess.run(
        [find("node"), "-e", PAC, *HOSTS], input=exported("pac").text, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    found = {line.split()[0] for line in done.stdout.splitlines() if line.endswith("DIRECT")}
    assert found == expected("pac", 443)


@pytest.mark.parametrize("target", ["pac", "chrome"])
def test_chromium_goes_around_the_proxy_for_what_the_rules_pass(
    target: str, tmp_path: Path
) -> None:
    """Names resolve to the origin for Chromium; the proxy is a mitmproxy, whose certificates it trusts too."""

    async def run() -> None:
        pki = LabPki()
        trust = tmp_path / "root.pem"
        trust.write_text(pki.root.pem)
        async with (
            Origin({host: pki.issue(host) for host in HOSTS}) as origin,
            Mitmdump(
                tmp_path / "mitm", trust=trust, settings=("connection_strategy=lazy",)
            ) as proxy,
        ):
            found = await asyncio.to_thread(around, target, proxy.port, origin.port, tmp_path)
            assert found == expected(target, origin.port)

    asyncio.run(run())


def around(target: str, proxy: int, origin: int, folder: Path) -> set[str]:
    """Hosts that Chromium asks by itself."""
    text = exported(target).text.replace("proxy.example:8080", f"127.0.0.1:{proxy}")
    if target == "pac":
        (folder / "proxy.pac").write_text(text)
        encoded = base64.b64encode(text.encode()).decode()
        how = [f"--proxy-pac-url=data:application/x-ns-proxy-autoconfig;base64,{encoded}"]
    else:
        policy = json.loads(text)["ProxySettings"]
        how = [
            f"--proxy-server={policy['ProxyServer']}",
            f"--proxy-bypass-list={policy['ProxyBypassList']}",
        ]
    rules = "MAP *.example 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find("chromium"),
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                  "--disable-background-networking", "--disable-component-update", "--disable-sync",
                  f"--host-resolver-rules={rules}", *how],
        )  # fmt: skip
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        found: set[str] = set()
        for host in HOSTS:
            answer = page.goto(f"https://{host}:{origin}/", timeout=60_000, wait_until="commit")
            security = answer.security_details() if answer else None
            if security is not None and "mitmproxy" not in (security.get("issuer") or ""):
                found.add(host)
        browser.close()
    return found
