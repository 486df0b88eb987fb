"""The pages and the plot, opened in a real browser."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from docs.evidence_pictures import a_capture, a_log
from tests.live.test_review import browser

__all__ = ["browser"]

pytestmark = pytest.mark.live


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A page that may complain of nothing and may load nothing."""
    found = browser.new_page()
    complaints: list[str] = []
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("console", lambda said: complaints.append(said.text))
    found.on("request", lambda r: complaints.append(r.url) if r.url[:5] != "file:" else None)
    yield found
    assert complaints == []
    found.close()


def looks_right(page: Page, path: Path) -> None:
    """Wide and narrow, light and dark: nothing sticks out, the chart has bars, texts can be read."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (1200, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"file://{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg rect").count() > 3
    assert page.locator("svg rect").first.bounding_box() is not None
    ink, paper = page.evaluate(
        "() => { const s = getComputedStyle(document.documentElement); return [s.color, s.backgroundColor] }"
    )
    assert ink != paper


def test_the_page_of_a_log_tells_the_story(page: Page, tmp_path: Path, tlsight: object) -> None:
    log, report, plot = tmp_path / "error.log", tmp_path / "report.html", tmp_path / "plot.svg"
    log.write_bytes(a_log())
    done = tlsight(  # type: ignore[operator]
        "logs", "--timezone", "UTC", "--report", str(report), "--plot", str(plot), str(log)
    )
    assert done.returncode == 1, done.stderr
    assert "untrusted-root from" in done.stdout
    assert "nginx read its configuration again at" in done.stdout
    looks_right(page, report)
    expect(page.get_by_role("heading", name="Failed TLS handshakes")).to_be_visible()
    expect(page.locator("section.block").first).to_contain_text(
        "nginx read its configuration again"
    )
    expect(page.get_by_text("Scanners and health checks")).to_be_visible()
    page.goto(f"file://{plot}")
    assert page.locator("svg path").count() > 20
    expect(page.locator("svg").first).to_be_visible()


def test_the_page_of_a_capture_shows_ladder_and_fix(
    page: Page, tmp_path: Path, tlsight: object
) -> None:
    capture, report, plot = tmp_path / "a.pcap", tmp_path / "report.html", tmp_path / "plot.png"
    capture.write_bytes(a_capture())
    done = tlsight(  # type: ignore[operator]
        "pcap", "--html", str(report), "--plot", str(plot), str(capture)
    )
    assert done.returncode == 1, done.stderr
    looks_right(page, report)
    expect(page.get_by_role("heading", name="TLS in a capture")).to_be_visible()
    expect(page.locator("ol.ladder").first).to_contain_text("client-hello")
    assert plot.read_bytes().startswith(b"\x89PNG")
    page.goto(f"file://{plot}")
    expect(page.locator("img")).to_be_visible()
