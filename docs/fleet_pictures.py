"""Pictures of the fleet page: a fleet whose every event is real, in a real Chromium.

python -m docs.fleet_pictures
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from addons.fleet.database import open_database
from addons.fleet.page.app import Fleet
from addons.fleet.page.serving import start
from detector import clock
from tests.fleet.page.story import FORTINET, Story, digest, everyday, knowledge

_NAMES = {
    "lounge": "Airport lounge", "hotel": "Grand Hotel", "Berlin office": "Berlin office", "Lisbon office": "Lisbon office",
}  # fmt: skip


def fleet_pictures(folder: Path) -> None:
    """Write fleet-start.png and fleet-finding.png."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "fleet.sqlite3"
        asyncio.run(_fill(everyday(clock.now().replace(microsecond=0)), path))
        listening, stop = start(
            Fleet(lambda: open_database(str(path)), knowledge), path, "127.0.0.1:0"
        )
        assert listening.secret_file is not None
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--headless", "--no-sandbox", "--disable-gpu"],
            )
            page = browser.new_page(viewport={"width": 1180, "height": 860})
            page.goto(listening.url)
            page.get_by_label("Token or password").fill(listening.secret_file.read_text().strip())
            page.keyboard.press("Enter")
            page.wait_for_url(listening.url)
            _shot(page, folder / "fleet-start.png")
            finding = digest("lap-0120", FORTINET, "hotel", "interception")
            page.goto(f"{listening.url}finding?device={digest('lap-0120')}&id={finding}")
            _shot(page, folder / "fleet-finding.png")
            browser.close()
        stop()


async def _fill(story: Story, path: Path) -> None:
    database = await story.keep(path)
    rows = [(label, digest(place)) for place, label in _NAMES.items()]
    await database.write([("UPDATE network SET label = ? WHERE id = ?", rows)])
    found = await database.read(
        "SELECT subject, COUNT(*) FROM finding WHERE network = ? GROUP BY subject", digest("lounge")
    )
    ((subject, agents),) = found
    correlation = (
        digest("correlation"), "issuer-in-network", subject, digest("lounge"),
        f"one unknown issuer on {agents} laptops of one network: Free WiFi Root CA", agents,
        *(f"{story.now:%Y-%m-%dT%H:%M:%SZ}",) * 2, None, "{}",
    )  # fmt: skip
    await database.write(
        [("INSERT INTO correlation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [correlation])]
    )
    await database.close()


def _shot(page: Page, where: Path) -> None:
    page.evaluate("document.fonts.ready")
    page.screenshot(path=where)


if __name__ == "__main__":
    fleet_pictures(Path(__file__).parent / "pictures")
