"""Real browsers, impersonators and interceptors: what is made of the hello that each of them sends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from detector.knowledge.browser_hellos import browser_hellos
from detector.lab.pki import LabPki
from tests.forensics.measured_hellos import MeasuredHello
from tests.live import browser_visits, hello_catcher
from tests.live.hello_catcher import NAME

pytestmark = pytest.mark.live
RULES = browser_hellos()
CURL_CFFI = "curl_cffi==0.17.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# Named by the library where clients that intercept nothing send the same.
NAMES = {
    "mitmproxy": "mitmproxy",
    "squid": "squid",
    "sslsplit": "sslsplit",
    "privoxy": "mbed TLS (privoxy)",
    "nginx": "OpenSSL up to TLS 1.2 (nginx)",
    "haproxy": "OpenSSL 3 (haproxy and others)",
    "proxy.py": "Python's ssl (proxy.py and others)",
    "http-mitm-proxy": "Node.js (http-mitm-proxy and others)",
}


def test_every_interceptor_is_named_by_the_hello_that_it_sends_for_a_browser(
    tmp_path: Path,
) -> None:
    found = hello_catcher.interceptors(tmp_path)
    assert {name.partition(",")[0] for name in found} == set(NAMES)
    for name, facts in found.items():
        for agent in (CHROME, FIREFOX):
            opinion = RULES.opinion(facts, agent)
            assert opinion is not None
            told = (opinion.interception, opinion.looks_like)
            assert told == ("likely", NAMES[name.partition(",")[0]]), opinion.differs


def test_every_library_is_named_and_is_no_browser(tmp_path: Path) -> None:
    found = hello_catcher.libraries(tmp_path)
    assert len(found) == 9
    for name, facts in found.items():
        opinion = RULES.opinion(facts, CHROME)
        assert opinion is not None
        assert (opinion.interception, opinion.looks_like_kind) == ("likely", "library"), name


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
@pytest.mark.timeout(300)
def test_a_real_browser_is_itself_over_tcp_resumed_and_with_a_websocket(
    browser: str, tmp_path: Path
) -> None:
    pki, root = LabPki(), tmp_path / "root.pem"
    root.write_text(pki.root.pem)
    visit = (
        browser_visits.chromium(tmp_path, root, "--disable-quic")
        if browser == "chromium"
        else browser_visits.firefox(tmp_path, root)
    )
    hellos, asked = asyncio.run(browser_visits.over_tcp(tmp_path, visit, pki))
    assert {"page", "websocket"} <= set(asked)
    assert any(41 in row.facts.extensions for row in hellos), "none was resumed"
    assert any(row.facts.alpn == ("http/1.1",) for row in hellos) or browser == "firefox"
    _themselves(hellos)


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
@pytest.mark.timeout(300)
def test_a_real_browser_is_itself_over_quic(browser: str, tmp_path: Path) -> None:
    pki, root = LabPki(), tmp_path / "root.pem"
    root.write_text(pki.root.pem)
    with browser_visits.quic_port() as sink:
        port: int = sink.getsockname()[1]
        if browser == "chromium":
            word = f"--origin-to-force-quic-on={NAME}:{port}"
            visit = browser_visits.chromium(tmp_path, root, word)
        else:
            visit = browser_visits.firefox(tmp_path, root, quic=port)
        page = browser == "firefox"
        hellos = asyncio.run(browser_visits.over_quic(tmp_path, visit, pki, sink, page=page))
    assert hellos
    assert {row.transport for row in hellos} == {"q"}
    _themselves(hellos)


def _themselves(hellos: list[MeasuredHello]) -> None:
    for row in hellos:
        opinion = RULES.opinion(row.facts, row.agent)
        assert opinion is not None
        assert opinion.interception == "unlikely", (row.agent, opinion)


@pytest.mark.online
@pytest.mark.timeout(400)
def test_every_profile_of_curl_cffi_is_the_browser_it_stands_for_or_one_that_is_not_known(
    tmp_path: Path,
) -> None:
    """It really speaks: nothing of these hellos is made up here."""
    python = tmp_path / "cffi/bin/python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "cffi")], check=True, timeout=120)
    subprocess.run([python, "-m", "pip", "install", "-q", CURL_CFFI], check=True, timeout=240)
    rows = hello_catcher.profiles(str(python))
    assert len(rows) == 53
    for row in rows:
        newer = row.name.startswith(("safari26", "safari27", "tor"))
        opinion = RULES.opinion(row.facts, row.agent)
        assert opinion is not None
        assert opinion.interception == ("unknown" if newer else "unlikely"), (row.name, opinion)
        other = RULES.opinion(
            row.facts, CHROME if row.name[:4] not in ("chro", "edge") else FIREFOX
        )
        assert other is not None
        assert other.interception == "unknown", (row.name, other)
