"""The fleet page in a real Chromium: axe on every page, by keyboard from the start to the evidence, and updated while open."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from addons.fleet.database import open_database
from addons.fleet.page.app import Fleet
from addons.fleet.page.serving import start
from detector import clock
from tests.fleet.page.story import FORTINET, WIFI, Story, digest, everyday, knowledge, seen
from tests.live.driven import chromium
from tests.live.test_review import do, log_in
from tests.live.test_review_axe import AXE, violations
from tests.live.waiting import until

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::ResourceWarning")]
ODD = "<b>'\"&\u202e\x1b" * 40


class World(NamedTuple):
    url: str
    token: str
    database: Path
    story: Story


async def keep(story: Story, path: Path) -> None:
    await (await story.keep(path)).close()


async def ask(host: str, agents: int, network: str, by: str) -> str:
    return "5" * 32


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    path = tmp_path_factory.mktemp("fleet") / "fleet.sqlite3"
    story = everyday(clock.now().replace(microsecond=0), laptops=11)
    story.lives(ODD, ODD)
    do(keep(story, path))
    listening, stop = start(
        Fleet(lambda: open_database(str(path)), knowledge, ask), path, "127.0.0.1:0"
    )
    assert listening.secret_file is not None
    assert listening.secret_file.name.startswith("fleet-token-")
    yield World(listening.url, listening.secret_file.read_text().strip(), path, story)
    stop()


def pages(story: Story) -> tuple[str, ...]:
    wifi = f"spki:{seen(WIFI, story.now - timedelta(days=9))[1]}"
    finding = digest("lap-0120", FORTINET, "hotel", "interception")
    event = next(
        one.event.id for one in story.told if one.event.finding and one.event.finding.id == finding
    )
    device = digest("lap-0120")
    return (
        "", "interceptors", f"interceptor?subject={wifi}", "networks", f"network?id={digest('hotel')}", "products",
        "product?product=FortiGate", "agents", f"agent?device={digest(ODD)}", "findings",
        f"finding?device={device}&id={finding}", f"event?id={event}", "correlations", "questions", "search?q=lap",
    )  # fmt: skip


# Of the same kinds, with other things on them, or nothing.
MORE = (
    "agents?state=silent&order=last", f"agent?device={digest('lap-0120')}", f"agent?device={digest('lap-0010')}",
    "agent?device=nobody", "findings?q=nothing",
)  # fmt: skip


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    browser: Browser, world: World, scheme: Literal["light", "dark"], width: int
) -> None:
    script = AXE.read_text()
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    log_in(page, world.url, world.token)
    found = []
    for where in pages(world.story) + (MORE if scheme == "light" else ()):
        page.goto(world.url + where)
        for one in page.locator("details").all():
            one.evaluate("one => { one.open = true }")
        found += violations(page, script, where)
    context.close()
    assert found == []


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A page that may complain of nothing: no script error, no blocked asset."""
    context = browser.new_context(accept_downloads=True)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda said: complaints.append(said.text) if "Security Policy" in said.text else None,
    )
    yield opened
    context.close()
    assert complaints == []


def test_from_the_start_to_the_observation_by_keyboard_and_an_interception_comes_up_by_itself(
    page: Page, world: World, tmp_path: Path
) -> None:
    log_in(page, world.url, world.token)
    expect(page.get_by_role("row").nth(1)).to_contain_text("not sanctioned")
    page.keyboard.press("h")
    page.keyboard.type("free wifi")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("“free wifi”")
    page.wait_for_load_state()  # keys are heard from then on
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Free WiFi Root CA")
    expect(page.locator("pre")).to_contain_text("[[sanctioned]]")
    page.locator("#findings ~ .wide a.row").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Chain that was shown")).to_be_visible()
    page.get_by_role("link", name="Judge it again").click()
    expect(page.get_by_role("heading", name="Judged again now")).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Take the observation away").click()
    saved = tmp_path / "saved.ndjson"
    taken.value.save_as(saved)
    assert b'"schema":"tlsight.observation/' in saved.read_bytes()

    with page.expect_response(lambda answer: answer.url.endswith("/live")):
        page.keyboard.press("g")
        page.keyboard.press("s")
        page.wait_for_url(world.url)
    expect(page.get_by_text("lap-0999")).to_have_count(0)

    def comes_up() -> bool:
        """What came before the page was first looked for is told with what comes next."""
        story = Story(clock.now().replace(microsecond=0))
        story.behind("lap-0999", WIFI, "lounge", ago=timedelta(0))
        do(keep(story, world.database))
        try:
            expect(page.get_by_text("lap-0999").first).to_be_visible(timeout=5000)
        except AssertionError:
            return False
        return True

    until(comes_up)
    expect(page.locator("#live")).to_contain_text("Updated.")
