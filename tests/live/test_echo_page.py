"""The echo server's page in a real Chromium and Firefox: it fits directly, and names mitmproxy behind one.

Pictures are left in build/echo-pictures.
"""

from __future__ import annotations

import asyncio
import html
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.lab.mitmdump import Mitmdump
from tests.live import clients
from tests.live.echo_world import EchoProcess
from tests.live.marionette import read_page
from tests.live.programs import corporate_ca, find

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
PICTURES = Path(__file__).parents[2] / "build" / "echo-pictures"
# Root to trust, URL, proxy (host:port), picture -> the page's text.
Visit = Callable[[Path, Path, str, str | None, Path], str]


def chromium(folder: Path, root: Path, url: str, proxy: str | None, picture: Path) -> str:
    clients.trust(folder / ".pki/nssdb", root)
    command = [
        find("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1000,1400", "--hide-scrollbars",
        *([f"--proxy-server=http://{proxy}", "--proxy-bypass-list=<-loopback>"] if proxy else []),
    ]  # fmt: skip
    home = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    said = subprocess.run(
        [*command, "--dump-dom", url], capture_output=True, text=True, env=home, timeout=60
    ).stdout
    subprocess.run(
        [*command, f"--screenshot={picture}", url], capture_output=True, env=home, timeout=60
    )
    bare = re.sub(r"<style.*?</style>|<[^>]{1,300}>", " ", said, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())


def firefox(folder: Path, root: Path, url: str, proxy: str | None, picture: Path) -> str:
    profile = folder / "profile"
    clients.trust(profile, root)
    return read_page(profile, url, proxy, picture)


@pytest.mark.parametrize(("visit", "name"), [(chromium, "Chrom"), (firefox, "Firefox")])
def test_the_page_says_match_directly_and_who_rewrote_it_behind_a_proxy(
    tmp_path: Path, visit: Visit, name: str
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    browser = visit.__name__

    async def go() -> tuple[str, str]:
        with EchoProcess(tmp_path / "echo") as echo:
            url, ca = echo.url.partition("#")[0], corporate_ca()
            own = tmp_path / "ca.pem"
            own.write_text(ca.pem)
            async with Mitmdump(tmp_path / "mitm", trust=echo.root, ca=ca.credential()) as mitm:
                return await asyncio.to_thread(
                    visit, tmp_path / "a", echo.root, url, None, PICTURES / f"{browser}-direct.png"
                ), await asyncio.to_thread(
                    visit, tmp_path / "b", own, url, f"127.0.0.1:{mitm.port}",
                    PICTURES / f"{browser}-mitmproxy.png",
                )  # fmt: skip

    direct, through = asyncio.run(go())
    assert re.search(rf"Match: {name}\w* \d+ sends such a hello", direct), direct[:600]
    assert "Rewritten by mitmproxy: this is its hello" in through, through[:600]
    assert re.search(rf"{name}\w* \d\S* never ", through)
    for page in (direct, through):
        assert "Request headers, as they arrived" in page
        assert "First packet" in page
