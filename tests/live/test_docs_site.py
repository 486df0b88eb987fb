"""The site as a reader's browser shows it: it is searched without a server's help, dark where one likes, and asks nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Request, expect

from tests.documented import ROOT
from tests.live.driven import chromium

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::ResourceWarning")]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it is served."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", folder], cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_what_is_searched_is_found_and_nobody_else_is_asked(site: str, browser: Browser) -> None:
    page = browser.new_page()
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(urlsplit(request.url).netloc or urlsplit(request.url).scheme)

    page.on("request", note)
    page.goto(site)
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("incomplete-chain")
    result = page.locator(".md-search-result__link[href*='reference/causes']").first
    expect(result).to_be_visible()
    result.click()
    expect(page.locator("h1")).to_contain_text("Causes")
    page.goto(f"{site}how-to/diagnose.html")
    assert set(asked) <= {urlsplit(site).netloc, "data", "blob"}
    page.close()


@pytest.mark.parametrize(("scheme", "shown"), [("light", "default"), ("dark", "slate")])
def test_it_is_dark_where_the_system_is_until_one_says_otherwise(
    site: str, browser: Browser, scheme: str, shown: str
) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{site}tutorial/first-hour.html")
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", shown)
    page.locator("label[for^=__palette]:visible").click()
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "default")
    page.close()


def test_pages_fit_a_phone(site: str, browser: Browser) -> None:
    """Wide tables and lines of code scroll in themselves; the page does not."""
    page = browser.new_page(viewport={"width": 360, "height": 720})
    for name in (
        "index",
        "how-to/pins-and-policy",
        "reference/programs",
        "reference/schemas/check",
    ):
        page.goto(f"{site}{name}.html")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{name} is {wide} wide"
    page.close()
