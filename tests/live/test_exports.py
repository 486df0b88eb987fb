"""Exported rules in the real programs: what they say passes, passes, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from addons.bypass.matcher import Connection, Matcher
from addons.bypass.rule import Rule
from addons.formats import mitmproxy, squid
from detector.judging import judge_all
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from detector.targets import parse_target
from tests.live.programs import Squid, corporate_ca, readable_by_all

pytestmark = pytest.mark.live
TODAY = date(2026, 11, 23)
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


async def direct(proxy_url: str, port: int | None, pki: LabPki, at: int) -> set[str]:
    """Hosts whose own certificate comes through the proxy."""
    where = ("127.0.0.1", port) if port is not None else None
    options = ProbeOptions(
        timeout=10, connect_to=where, routing=Routing(parse_proxy(proxy_url))
    )  # fmt: skip
    seen = [await probe(parse_target(f"{host}:{at}"), options) for host in HOSTS]
    judged = judge_all(seen, pki.knowledge())
    return {h for h, one in zip(HOSTS, judged, strict=True) if one.verdict == "direct"}


def passed(rules: Iterable[Rule], port: int) -> set[str]:
    matcher = Matcher(rules)
    found = {h: matcher.match(Connection(h, None, None, port), TODAY) for h in HOSTS}
    return {h for h, rule in found.items() if rule is not None and rule.action == "pass"}


def test_the_real_squid_splices_what_the_rules_pass(tmp_path: Path) -> None:
    async def run() -> None:
        pki = LabPki()
        trust = tmp_path / "root.pem"
        trust.write_text(pki.root.pem)
        trust.chmod(0o644)
        readable_by_all(tmp_path)
        names = dict.fromkeys(HOSTS, "127.0.0.1")
        text = squid.export(RULES, TODAY).text
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
        (folder / "config.yaml").write_text(mitmproxy.export(RULES, TODAY).text)
        async with (
            Origin({host: pki.issue(host) for host in HOSTS}) as origin,
            Mitmdump(folder, trust=trust) as proxy,
        ):
            found = await direct(proxy.url, origin.port, pki, origin.port)
            assert found == passed(RULES, origin.port)

    asyncio.run(run())
