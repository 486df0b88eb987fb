"""Hosts that a user's browser was at, out of the profile that the browser itself made."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from detector.agent.senses.used_hosts import used_hosts
from detector.lab.origin import server_context
from detector.lab.pki import LabPki
from tests.live import browser_visits

pytestmark = pytest.mark.live
NAME = "clinic.private.example"


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_real_browsers_visit_is_found(browser: str, tmp_path: Path) -> None:
    pki, root = LabPki(), tmp_path / "root.pem"
    root.write_text(pki.root.pem)
    asyncio.run(_visited(browser, tmp_path, root, pki))


async def _visited(browser: str, folder: Path, root: Path, pki: LabPki) -> None:
    async with browser_visits.Page(server_context(pki.issue(NAME))) as page:
        url = f"https://{NAME}:{page.port}/"
        if browser == "chromium":
            home, place = folder / "home", ".config/chromium/Default/History"
            visit = browser_visits.chromium(
                folder, root, 5, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
            )
            made = folder / "chromium/profile/Default/History"
        else:
            home, place = folder / "home", ".mozilla/firefox/x.default/places.sqlite"
            visit = browser_visits.firefox(folder, root, 8)
            made = folder / "firefox/places.sqlite"
            made.parent.mkdir()
            settled = 'user_pref("network.dns.forceResolve", "127.0.0.1");\n'
            (made.parent / "prefs.js").write_text(settled)
        for _ in range(3):  # a machine may be busy
            await asyncio.to_thread(visit, url)
            if page.asked:
                break
        assert page.asked, f"{browser} did not come"
        there = home / place
        there.parent.parent.mkdir(parents=True)
        made.parent.rename(there.parent)
        found = used_hosts((browser,), home, {})
        assert (NAME, page.port) in [(one.host, one.port) for one in found]
