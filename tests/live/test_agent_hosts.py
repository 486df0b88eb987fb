"""Hosts that a user's browser was at, out of the profile that the browser itself made."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from detector.agent.senses.used_hosts import used_hosts
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from tests.live import clients
from tests.live.browser_visits import Enough, Page, Visit, firefox
from tests.live.driven import FLAGS
from tests.live.programs import find

pytestmark = pytest.mark.live
NAME = "clinic.private.example"


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_real_browsers_visit_is_found(browser: str, tmp_path: Path) -> None:
    pki, root = LabPki(), tmp_path / "root.pem"
    root.write_text(pki.root.pem)
    asyncio.run(_visited(browser, tmp_path, root, pki))


async def _visited(browser: str, folder: Path, root: Path, pki: LabPki) -> None:
    home = folder / "home"
    async with Page(server_context(pki.issue(NAME))) as page:

        def found() -> list[tuple[str, int]]:
            return [(one.host, one.port) for one in used_hosts((browser,), home, {})]

        visit: Visit
        if browser == "chromium":
            place, visit = ".config/chromium/Default/History", partial(chromium, folder, root)
            made = folder / "profile/Default/History"
        else:
            place = ".mozilla/firefox/x.default/places.sqlite"
            visit = firefox(folder, root)
            made = folder / "firefox/places.sqlite"
            made.parent.mkdir()
            settled = 'user_pref("network.dns.forceResolve", "127.0.0.1");\n'
            (made.parent / "prefs.js").write_text(settled)
        there = home / place
        there.parent.parent.mkdir(parents=True)
        there.parent.symlink_to(made.parent)
        await asyncio.to_thread(visit, f"https://{NAME}:{page.port}/", lambda: bool(found()))
        assert found() == [(NAME, page.port)]


def chromium(folder: Path, root: Path, url: str, _: Enough) -> None:
    """It writes its history every ten seconds, and when it is told to end, which a signal is not."""
    clients.trust(folder / ".pki/nssdb", root)
    there = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder / "profile", executable_path=find("chromium"), args=[*FLAGS, there],
            env={**os.environ, "HOME": str(folder)},
        )  # fmt: skip
        context.pages[0].goto(url)
        context.close()
