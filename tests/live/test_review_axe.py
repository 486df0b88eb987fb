"""axe-core on every page of the review, in Chromium: light and dark, wide and narrow, filled with what is hostile."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from addons.bypass.attempt import Attempt
from addons.bypass.learning import Candidate
from addons.bypass.rule import RuleRow
from addons.review.server import start
from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import Heartbeat, Passing, PassingNow
from addons.store.traffic import Passage
from addons.store.unbound import Unbound
from detector import clock
from tests.live.driven import chromium
from tests.live.test_review import log_in

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::ResourceWarning")]
AXE = Path(__file__).parents[2] / ".tools" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
LONG = ".".join(["a" * 62] * 4)
ODD = "<b>'\"&\u202e\x1b" * 1500
PAGES = (
    "", "candidates", "candidate/bank.example", "rules", "rules?life=ended", "rule?pattern=a.example",
    "rule?pattern=a.example&ask=remove", "rule?pattern=draft.example", "rule?pattern=nothing.example", "add", "import",
    "host", "host?host=bank.example", "host?host=a.example", "host?host=%20", "stats", "audit", "undo?entry=1",
)  # fmt: skip


def fill(path: Path) -> None:
    """Something on every page, and much of it wrong."""
    now = clock.now()
    day = timedelta(days=1)
    with BypassStore(path, clock.now, "bob") as store:
        for host in ("bank.example", LONG, "<script>alert(1)</script>.example"):
            fields = (4.0, ("10.0.0.1", "10.0.0.2"), now, now, "2 clients refuse it.")
            store.propose(Candidate(host, "certificate-pinned", *fields))
        store.reject("bank.example", "no")
        store.add_rule(RuleRow(host="a.example", owner="net", reason=ODD, evidence=ODD, ticket=ODD))
        store.add_rule(RuleRow(host=LONG, owner="n" * 200, reason="x", expires=now.date() + day))
        store.add_rule(RuleRow(host="over.example", owner="net", expires=now.date() - day))
        store.add_rule(RuleRow(regex="a[\"'<>]+[.]example", owner="net", action="block"))
        store.draft_rule(RuleRow(suffix="draft.example", owner="net", reason="x"))
        store.draft_rule(RuleRow(host="draft.example", owner="net", reason="x"))
        for days in range(5):
            at = now - days * day
            store.traffic.write(
                [
                    Attempt(at, "client", "bank.example", 443, "10.0.0.1", "failed", alert=46, error=ODD[:400]),
                    Attempt(at, "client", "bank.example", 443, "10.0.0.1", "accepted"),
                ],
                [Passage(at, LONG, LONG, 10_000, 2_000_000, 1.0), Passage(at, "a.example", "a.example", 1, 2, 1.0)],
            )  # fmt: skip
        store.unbound.write([Unbound(now, LONG, "192.0.2.1:443", LONG, f"asked for {LONG}")])
        beat(store, "two", now - day)


def beat(store: BypassStore, name: str, seen: datetime) -> None:
    """A proxy with a connection that passes."""
    passing = PassingNow(1, (Passing("10.0.0.1", LONG, LONG, seen, 1, 2),))
    store.proxies.write(
        Heartbeat(name, name, 7, "1", "12.2", "auto", 3, "/none.toml", seen, seen, passing=passing)
    )


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, str, Path]]:
    path = tmp_path_factory.mktemp("axe") / "b.sqlite3"
    fill(path)
    listening, stop = start(path, "127.0.0.1:0")
    assert listening.secret_file is not None
    yield listening.url, listening.secret_file.read_text().strip(), path
    stop()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    browser: Browser, served: tuple[str, str, Path], scheme: Literal["light", "dark"], width: int
) -> None:
    url, token, path = served
    script = AXE.read_text()
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.goto(f"{url}login")
    found = violations(page, script, "login")
    log_in(page, url, token)
    for where in PAGES:
        with BypassStore(path, clock.now) as store:
            beat(store, "one", clock.now())
        page.goto(url + where)
        for one in page.locator("details").all():
            one.evaluate("one => { one.open = true }")
        found += violations(page, script, where)
    page.goto(f"{url}add")
    fields = {"pattern": ".com", "owner": "net", "reason": "x"}
    for name, value in fields.items():
        page.locator(f"main #{name}").fill(value)
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_role("button", name="Add it")).to_be_visible()
    found += violations(page, script, "the plan of a rule")
    page.goto(f"{url}import")
    page.locator("main #owner").fill("net")
    page.locator("main #text").fill("[[rule]]\nhost = 'new.example'\n[[rule]]\nsuffix = 'com'\n")
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_text("Strangers register names")).to_be_visible()
    found += violations(page, script, "the plan of a list")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    found += violations(page, script, "the keys")
    context.close()
    assert found == []


def violations(page: Page, script: str, where: str) -> list[str]:
    """What axe says of the page as it is, and whether it scrolls sideways."""
    page.evaluate(script)
    # Of what passes the rules alone: all its elements with their paths take most of the time.
    result: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    assert len(result["passes"]) > 10, where
    found = [
        f"{where}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in result["violations"]
    ]
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [*found, f"{where}: {wide} px too wide"] if wide > 0 else found


def test_axe_would_find_something(browser: Browser) -> None:
    page = browser.new_page(bypass_csp=True)
    page.set_content("<!doctype html><title>x</title><main><img src='x'><input><h1>x</h1></main>")
    page.evaluate(AXE.read_text())
    result = page.evaluate("axe.run()")
    assert {one["id"] for one in result["violations"]} >= {"image-alt", "label", "html-has-lang"}
    page.close()
