"""Ways that a PAC file names, and https:// proxies, from the command line and for our own requests."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.errors import FetchError
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.net.fetch import Fetched, Fetcher, FetchOptions
from detector.net.routes import Routing, parse_proxy
from tests.cli.conftest import Run, running
from tests.live.forward_proxies import OpenSquid
from tests.live.test_proxy_failures import closed_port

SITE = "site.example"


@pytest.fixture(scope="module")
def squid(tmp_path_factory: pytest.TempPathFactory, pki: LabPki) -> Iterator[OpenSquid]:
    credential = pki.issue("127.0.0.1")
    folder = tmp_path_factory.mktemp("squid")
    with OpenSquid(folder / "squid", credential, {SITE: "127.0.0.1"}) as running_squid:
        (folder / "roots.pem").write_text(pki.root.pem)
        yield running_squid


def roots(squid: OpenSquid) -> Path:
    return squid.folder.parent / "roots.pem"


def test_the_ways_of_a_pac_file_are_tried_in_order(
    tlsight: Run, tmp_path: Path, pki: LabPki, squid: OpenSquid
) -> None:
    script = tmp_path / "proxy.pac"
    asked = ("--roots", roots(squid), "--no-store", "--no-history", "--no-canaries", "--json")
    with running(Origin({SITE: pki.issue(SITE)})) as origin, closed_port() as closed:
        script.write_text(
            f"function FindProxyForURL(url, host) {{ if (host != '{SITE}') return 'PROXY 127.0.0.1:1';"
            f" return 'PROXY 127.0.0.1:{closed}; HTTPS 127.0.0.1:{squid.tls_port}; DIRECT'; }}"
        )
        target = f"{SITE}:{origin.port}"
        by_flag = tlsight("check", *asked, "--proxy", f"pac+{script.as_uri()}", target)
        by_name = tlsight("diagnose", *asked, "--no-lookups", target, AUTO_PROXY=str(script))
    found = json.loads(by_flag.stdout)
    assert found["handshake"]["completed"], by_flag.stdout
    assert found["route"]["kind"] == "http-connect"
    assert found["route"]["tls"]
    assert found["route"]["proxy"] == f"127.0.0.1:{squid.tls_port}"
    assert found["route"]["tried"][0].startswith(f"127.0.0.1:{closed} (")
    found = json.loads(by_name.stdout)
    assert found["route"]["named_by"] == "the PAC file of AUTO_PROXY"
    assert found["healthy"], by_name.stdout
    assert all(trial["outcome"] != "unreachable" for trial in found["trials"].values())


def test_without_pypac_one_line_says_what_to_install(tmp_path: Path) -> None:
    script = tmp_path / "proxy.pac"
    script.write_text("function FindProxyForURL(url, host) { return 'DIRECT'; }")
    absent = "import sys; sys.modules['pypac'] = None; from detector.cli import main; main()"
    words = ["check", "--proxy", f"pac+{script.as_uri()}", "127.0.0.1:1"]
    done = subprocess.run(
        [sys.executable, "-c", absent, *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "tlsight[pac]" in line


def test_our_own_requests_go_through_an_https_proxy(pki: LabPki, squid: OpenSquid) -> None:
    async def run() -> Fetched:
        proxy = parse_proxy(f"https://127.0.0.1:{squid.tls_port}", trust=roots(squid))
        options = FetchOptions(timeout=60.0, routing=Routing(proxy), trust=roots(squid))
        async with Origin({SITE: pki.issue(SITE)}) as origin, Fetcher(options) as fetch:
            return await fetch.get(f"https://{SITE}:{origin.port}/", limit=100)

    found = asyncio.run(run())
    assert found.body == b"ok\n"
    assert found.connection is not None
    assert found.connection.route.tls
    assert found.connection.chain


def test_the_certificate_that_is_refused_is_said_to_be_the_proxys(
    pki: LabPki, squid: OpenSquid
) -> None:
    async def run() -> None:
        proxy = parse_proxy(f"https://127.0.0.1:{squid.tls_port}")
        options = FetchOptions(timeout=60.0, attempts=1, routing=Routing(proxy), trust=roots(squid))
        async with Fetcher(options) as fetch:
            await fetch.get("https://a.example/", limit=100)

    with pytest.raises(FetchError, match="the proxy's own certificate is not trusted"):
        asyncio.run(run())


def test_an_https_proxy_nobody_vouches_for_gets_no_credentials(
    tlsight: Run, squid: OpenSquid
) -> None:
    url = f"https://ann:sesame@127.0.0.1:{squid.tls_port}"
    done = tlsight("diagnose", "--no-store", "--no-history", SITE, HTTPS_PROXY=url)
    assert done.returncode == 1
    assert "proxy-certificate" in done.stdout
    assert "HTTPS_PROXY" in done.stdout or "--roots" in done.stdout
    assert "sesame" not in done.stdout + done.stderr
