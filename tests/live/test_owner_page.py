"""The owner's report in a real browser: wide and narrow, light and dark, and on paper."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from addons.bypass.rechecking import Server
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from addons.store.rechecking import Round
from addons.store.traffic import Passage
from detector import clock
from tests.cli.conftest import Run
from tests.live.test_reports import browser, page

__all__ = ["browser", "page"]

pytestmark = pytest.mark.live
LONG = "<b>an app that pins</b> " + "averyveryverylongword" * 12
JA4 = "t13d1516h2_8daaf6152771_02713d6af862"


def a_quarter(store: Path) -> None:
    """Three months of two owners, and of nobody."""
    now = clock.now()
    began = now - timedelta(days=80)
    moment = [began]
    with BypassStore(store, lambda: moment[0], "ann") as ann:
        rows = [
            RuleRow(suffix="bank.example", reason="pinned app", owner="payments", ticket="NET-431",
                    evidence="certificate-pinned: 14 clients refuse.", expires=now.date() + timedelta(days=9)),
            RuleRow(host="login.microsoftonline.com", reason=LONG, owner="network", ja4=JA4,
                    client="10.20.0.0/16", expires=now.date() + timedelta(days=200)),
            RuleRow(host="legacy.example", reason="speaks TLS 1.0", owner="network",
                    evidence="upstream-version: no version is shared.", expires=now.date() - timedelta(days=5)),
            RuleRow(cidr="192.0.2.0/24", reason="till terminals"),
        ]  # fmt: skip
        for row in rows:
            ann.add_rule(row)
        moment[0] = began + timedelta(days=40)
        ann.add_rule(RuleRow(host="old.example", reason="was needed once", owner="payments"))
    with BypassStore(store, lambda: moment[0], "bob") as bob:
        moment[0] = began + timedelta(days=60)
        bob.remove_rule("old.example", "the app is gone")
        bob.renew_rule("192.0.2.0/24", date(2030, 1, 1), "contract until then")
        seen = [
            Passage(
                now - timedelta(days=n),
                "www.bank.example",
                ".bank.example",
                40_000,
                900_000,
                9.0,
                30,
            )
            for n in range(60)
        ]
        bob.traffic.write([], seen)
        moment[0] = now
        gone = Server(
            "legacy.example",
            443,
            "silent",
            "legacy.example:443 past the proxy: no answer within 10 s",
        )
        Round(bob, now).finish({("legacy.example", 443): gone}, by="x")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_sticks_out_and_what_people_wrote_is_text(
    page: Page, tmp_path: Path, tlsight: Run, scheme: str, width: int
) -> None:
    store, file = tmp_path / "b.sqlite3", tmp_path / "report.html"
    a_quarter(store)
    done = tlsight("bypass", "report", "--store", store, "--html", file)
    assert done.returncode == 0, done.stderr
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"file://{file}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Exceptions from inspection, all owners"
    )
    expect(page.locator("section.block")).to_have_count(4)
    first = page.locator("section.block").first
    expect(first).to_contain_text("192.0.2.0/24")
    expect(first).to_contain_text("Owner: nobody")
    expect(page.get_by_text("Approved: by ann").first).to_be_visible()
    expect(page.get_by_text("<b>an app that pins</b>")).to_be_visible()
    expect(page.get_by_role("cell", name="old.example")).to_be_visible()
    ink, paper = page.evaluate(
        "() => { const s = getComputedStyle(document.documentElement); return [s.color, s.backgroundColor] }"
    )
    assert ink != paper
    page.screenshot(path=tmp_path / f"owner-{width}-{scheme}.png", full_page=True)


def test_on_paper_it_is_light_and_no_rule_is_torn(page: Page, tmp_path: Path, tlsight: Run) -> None:
    store, file = tmp_path / "b.sqlite3", tmp_path / "report.html"
    a_quarter(store)
    tlsight("bypass", "report", "--store", store, "--html", file)
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(f"file://{file}")
    style = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(style) == "rgb(255, 255, 255)"
    torn = "getComputedStyle(document.querySelector('section.block')).breakInside"
    assert page.evaluate(torn) == "avoid"
    assert page.pdf(path=tmp_path / "report.pdf", format="A4")[:5] == b"%PDF-"
