"""The pages and the plot, opened in a real browser: what they say, how they look, and that they ask nobody."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Literal
from warnings import catch_warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, Page, expect

from detector import clock
from detector.lab.cases import case
from detector.lab.world import open_world
from docs.evidence_pictures import a_capture, a_log
from docs.page_pictures import a_machine, some_hosts
from tests.cli.conftest import Run, running
from tests.live.test_review import browser
from tests.live.test_review_axe import AXE, violations
from tests.report.test_page import HOSTILE

__all__ = ["browser"]

pytestmark = pytest.mark.live
WIDTHS = (360, 800, 1280)
# Rules of axe that a width or a scheme can break; the others are asked once.
DEPENDENT = ["color-contrast", "scrollable-region-focusable", "link-in-text-block"]
OPEN = "most => [...document.querySelectorAll('details')].slice(0, most).forEach(one => { one.open = true })"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A page that may complain of nothing and may load nothing."""
    found = browser.new_page()
    complaints: list[str] = []
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("console", lambda said: complaints.append(said.text))
    found.on("request", lambda r: complaints.append(r.url) if r.url[:5] != "file:" else None)
    found.on("dialog", lambda dialog: complaints.append(dialog.message))
    yield found
    assert complaints == []
    found.close()


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How to judge hosts that were asked with and without a mitmproxy in between."""
    return some_hosts(tmp_path_factory.mktemp("hosts"))


def looks_right(page: Page, path: Path, browser: Browser) -> None:
    """At every width and in both schemes nothing sticks out and axe finds nothing; what is folded is opened."""
    looked = browser.new_page(bypass_csp=True)  # for axe alone; `page` obeys the policy
    for one, most in ((page, 1000), (looked, 3)):
        one.goto(f"file://{path}")
        one.evaluate(OPEN, most)
    script = AXE.read_text()
    found: list[str] = []
    for scheme, width in product(SCHEMES, WIDTHS):
        for one in (page, looked):
            one.emulate_media(color_scheme=scheme)
            one.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)
        if (scheme, width) == ("light", 360):
            found += violations(looked, script, path.name)
            continue
        result = looked.evaluate("names => axe.run({runOnly: names})", DEPENDENT)
        found += [f"{scheme}, {width} px: {one['id']}" for one in result["violations"]]
    looked.close()
    assert found == []
    ink, paper = page.evaluate(
        "() => { const s = getComputedStyle(document.documentElement); return [s.color, s.backgroundColor] }"
    )
    assert ink != paper
    page.set_viewport_size({"width": 1280, "height": 800})


def test_the_page_of_check_shows_who_stands_in_between_first(
    page: Page, browser: Browser, tmp_path: Path, tlsight: Run, hosts: list[str]
) -> None:
    report = tmp_path / "report.html"
    done = tlsight(*hosts, "--html", report)
    assert done.returncode == 1, done.stderr
    looks_right(page, report, browser)
    first = page.locator("main section").first
    expect(first.get_by_role("heading")).to_have_text("3 of 8 hosts are intercepted")
    expect(first).to_contain_text("CN=Example Corp Gateway")
    table = page.get_by_role("table").nth(1)
    verdicts = table.locator("tbody tr td:first-child").all_inner_texts()
    assert verdicts == ["intercepted"] * 3 + [
        "suspect", "inconclusive", "consistent", "direct", "direct",
    ]  # fmt: skip
    table.get_by_role("link", name="github.com:443").click()
    card = page.locator("section:target")
    expect(card).to_be_in_viewport()
    expect(card).to_contain_text("The leaf has the shape that mitmproxy mints")
    expect(card).to_contain_text("openssl s_client -connect github.com:443")
    page.get_by_label("intercepted").uncheck()
    expect(card).to_be_hidden()
    expect(table.get_by_text("github.com")).to_be_hidden()
    expect(table.get_by_text("bank.example")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_on_paper_everything_is_unfolded_light_and_nothing_is_to_be_clicked(
    page: Page, tmp_path: Path, tlsight: Run, hosts: list[str]
) -> None:
    report = tmp_path / "report.html"
    assert tlsight(*hosts, "--html", report).returncode == 1
    page.goto(f"file://{report}")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 700, "height": 990})  # A4 less its margins
    expect(page.get_by_role("group", name="Show")).to_be_hidden()
    expect(page.get_by_text("All findings", exact=True).first).to_be_visible()
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    link = page.locator("a[rel]").first
    after = link.evaluate("one => getComputedStyle(one, '::after').content")
    assert "https://crt.sh/?q=" in link.evaluate("one => one.href")
    assert "https://crt.sh/?q=" in after
    assert page.evaluate("document.documentElement.scrollWidth") <= 700


def test_hostile_names_stay_text(
    page: Page, browser: Browser, tmp_path: Path, tlsight: Run
) -> None:
    chain, store = tmp_path / "chain.pem", tmp_path / "etc/ssl/certs/ca-certificates.crt"
    chain.write_text(certificate_of(HOSTILE).public_bytes(Encoding.PEM).decode())
    store.parent.mkdir(parents=True)
    store.write_text(chain.read_text())
    report = tmp_path / "report.html"
    tlsight("judge", "--html", report, f"evil.example={chain}")
    looks_right(page, report, browser)
    expect(page.get_by_text("alert(1)").first).to_be_attached()
    tlsight("trust", "--root", tmp_path, "--html", report)
    looks_right(page, report, browser)
    expect(page.get_by_text("alert(1)").first).to_be_attached()
    assert report.stat().st_size < 100_000


def certificate_of(name: str) -> x509.Certificate:
    """A root that is called so, and so again and again; readers take no certificate above 64 kB."""
    key = ec.generate_private_key(ec.SECP256R1())
    with catch_warnings(action="ignore"):  # longer than RFC 5280 allows
        called = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, text, _validate=False)
                for text in (name, (name * 500)[:16384])
            ]
        )
    start = clock.now() - timedelta(days=1)
    return (
        x509.CertificateBuilder(called, called, key.public_key(), 7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )


def test_the_page_of_diagnose_shows_ladders_causes_and_the_lines_of_each_program(
    page: Page, browser: Browser, tmp_path: Path, tlsight: Run
) -> None:
    report = tmp_path / "report.html"
    names = ("healthy", "expired", "incomplete-chain", "rc4")
    with ExitStack() as stack:
        world = stack.enter_context(running(open_world(tmp_path)))
        targets = []
        for name in names:
            one = case(name)
            assert one is not None
            port = stack.enter_context(running(one.make(world))).port
            targets.append(one.words(port, tmp_path)[-1])
        known = ("--roots", tmp_path / "root.pem", "--ct-logs", tmp_path / "logs.json")
        done = tlsight("diagnose", *known, "--html", report, *targets)
    assert done.returncode == 1, done.stderr
    looks_right(page, report, browser)
    card = page.locator("section", has=page.get_by_text("incomplete-chain, server acts")).first
    expect(card.locator("ol.ladder li.bad")).to_contain_text("certificate")
    labels = card.locator("figcaption").all_inner_texts()
    assert [one for one in labels if one in ("nginx", "Apache", "HAProxy")] == [
        "nginx", "Apache", "HAProxy",
    ]  # fmt: skip
    expect(card).to_contain_text("-----BEGIN CERTIFICATE-----")
    expect(page.get_by_label("healthy (1)")).to_be_checked()


def test_the_page_of_trust_names_roots_that_can_intercept_and_settings_by_file_and_line(
    page: Page, browser: Browser, tmp_path: Path, tlsight: Run
) -> None:
    report, root = tmp_path / "report.html", tmp_path / "machine"
    a_machine(root)
    done = tlsight("trust", "--root", root, "--html", report)
    assert done.returncode == 1, done.stderr
    looks_right(page, report, browser)
    first = page.locator("main section").first
    expect(first).to_contain_text("Somebody can read what is sent from here")
    expect(first).to_contain_text("A root of Superfish")
    expect(first).to_contain_text("A root of mitmproxy")
    expect(page.get_by_role("table").first).to_contain_text(f"{root}/home/user/.npmrc:1")


def test_the_page_of_a_log_tells_the_story(
    page: Page, browser: Browser, tmp_path: Path, tlsight: Run
) -> None:
    log, report, plot = tmp_path / "error.log", tmp_path / "report.html", tmp_path / "plot.svg"
    log.write_bytes(a_log())
    done = tlsight("logs", "--timezone", "UTC", "--report", report, "--plot", plot, log)
    assert done.returncode == 1, done.stderr
    assert "untrusted-root from" in done.stdout
    assert "nginx read its configuration again at" in done.stdout
    looks_right(page, report, browser)
    expect(page.get_by_role("heading", name="Failed TLS handshakes")).to_be_visible()
    expect(page.locator("section.block").first).to_contain_text("somebody may stand in between")
    expect(page.get_by_text("Scanners and health checks")).to_be_visible()
    assert page.locator("svg rect").count() > 100
    expect(page.locator("svg").first).to_contain_text("failed handshakes per 2 minutes")
    expect(page.locator("svg").first).to_contain_text("UTC, 2026-09-23")
    expect(page.locator("svg .change")).to_have_count(1)
    expect(
        page.get_by_text("2026-09-23 09:11:00 UTC: nginx read its configuration again")
    ).to_be_visible()
    page.goto(f"file://{plot}")
    assert page.locator("svg path").count() > 20
    expect(page.locator("svg").first).to_be_visible()


def test_the_page_of_a_capture_has_a_table_of_servers_that_leads_to_ladder_and_fix(
    page: Page, browser: Browser, tmp_path: Path, tlsight: Run
) -> None:
    capture, report, plot = tmp_path / "a.pcap", tmp_path / "report.html", tmp_path / "plot.png"
    capture.write_bytes(a_capture())
    done = tlsight("pcap", "--html", report, "--plot", plot, capture)
    assert done.returncode == 1, done.stderr
    looks_right(page, report, browser)
    expect(page.get_by_role("heading", name="TLS in a capture")).to_be_visible()
    page.get_by_role("table").first.get_by_role("link").first.click()
    card = page.locator("section:target")
    expect(card.locator("ol.ladder")).to_contain_text("client-hello")
    assert card.locator("figcaption").all_inner_texts()[:3] == ["nginx", "Apache", "HAProxy"]
    assert plot.read_bytes().startswith(b"\x89PNG")
    page.goto(f"file://{plot}")
    expect(page.locator("img")).to_be_visible()


def test_a_full_disk_is_one_line_and_exit_code_4(tmp_path: Path, tlsight: Run) -> None:
    done = tlsight("judge", "--html", "/dev/full", f"a.example={one_certificate(tmp_path)}")
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


def one_certificate(folder: Path) -> Path:
    path = folder / "one.pem"
    path.write_bytes(certificate_of("one").public_bytes(Encoding.PEM))
    return path
