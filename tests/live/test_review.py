"""The administrator's page in a real Chromium, while real pinned clients fail behind a real mitmdump."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import socket
import ssl
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from addons.bypass.learning import Candidate
from addons.review.server import start
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.bypass_scenes import HOST, OTHER, Stage
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import running
from tests.live.driven import chromium
from tests.live.waiting import PATIENCE, until, until_it_holds

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::ResourceWarning")]


PAGES = (
    "", "candidates", "candidate/bank.example", "rules", "stats", "audit", "host?host=bank.example", "add", "import",
    "rule?pattern=no.example", "undo?entry=1",
)  # fmt: skip


class World(NamedTuple):
    stage: Stage
    url: str
    token: str


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[World]:
    """A mitmdump that serves the page itself."""
    pki = LabPki()
    trust = folder / "root.pem"
    trust.write_text(pki.root.pem)
    store = folder / "bypass.sqlite3"
    async with (
        Origin({host: pki.issue(host) for host in (HOST, OTHER)}) as origin,
        NameServer.here((HOST, OTHER)) as names,
        Mitmdump(
            folder / "mitm", trust=trust, scripts=(bypass_script(),),
            settings=(
                "bypass_mode=suggest", f"bypass_store={store}", "bypass_review=127.0.0.1:0",
                f"bypass_resolver={names.at}",
            ),
        ) as proxy,
    ):  # fmt: skip
        stage = Stage(folder, pki, origin, proxy, store)
        ca = (proxy.folder / "mitmproxy-ca-cert.pem").read_text()
        stage.trusted.write_text(ca + pki.root.pem)
        await until_it_holds(lambda: any("review page at" in line for line in proxy.lines))
        said = [line for line in proxy.lines if "review page at" in line]
        url = said[0].partition("review page at ")[2].partition(",")[0]
        (token,) = folder.glob("review-token-*")
        yield World(stage, url, token.read_text().strip())


def do[T](work: Coroutine[Any, Any, T]) -> T:
    """Playwright has this thread's event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(60)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A page that may complain of nothing: no script error, no blocked asset."""
    context = browser.new_context()
    found = context.new_page()
    complaints: list[str] = []
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on(
        "console",
        lambda said: complaints.append(said.text) if "Security Policy" in said.text else None,
    )
    yield found
    context.close()
    assert complaints == []


def log_in(page: Page, url: str, token: str) -> None:
    page.goto(url)
    expect(page.get_by_label("Token or password")).to_be_focused()
    page.keyboard.type(token)
    page.keyboard.press("Enter")
    page.wait_for_url(url)


def test_a_pinned_client_breaks_is_approved_by_keyboard_works_and_ends(
    page: Page, tmp_path: Path
) -> None:
    with running(opened(tmp_path)) as world:
        pin = do(world.stage.pin())
        page.goto(world.url)
        expect(page.get_by_label("Token or password")).to_be_focused()
        page.keyboard.type("not the token")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        log_in(page, world.url, world.token)
        page.keyboard.press("g")
        page.keyboard.press("c")
        expect(page.get_by_text("Nothing to decide")).to_be_visible()

        # It comes up while the page is open, without a reload.
        assert do(world.stage.clients(OTHER, None)) == "200, 200"
        for _ in range(4):
            assert do(world.stage.clients(HOST, pin)) == "refused, refused"
        row = page.get_by_role("row").filter(has_text=HOST)

        def comes_up() -> bool:
            """What came before the page was first looked for is told with what comes next."""
            try:
                expect(row).to_contain_text("certificate-pinned", timeout=5000)
            except AssertionError:
                do(world.stage.clients(HOST, pin))
                return False
            return True

        until(comes_up)
        expect(page.locator("#live")).to_contain_text("Candidates 1")

        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(HOST)
        expect(page.get_by_text("127.0.0.2").first).to_be_visible()
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "owner":
                break
        page.keyboard.type("network team")
        page.keyboard.press("Tab")
        page.keyboard.type("pinned app")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("passes from now on")

        until(lambda: do(world.stage.clients(HOST, pin)) == "200, 200")
        assert do(world.stage.verdict(HOST)) == "direct"
        page.goto(world.url + "audit")
        expect(page.get_by_role("row").nth(1)).to_contain_text("approve")
        expect(page.get_by_text("every link holds")).to_be_visible()
        # What happens to it, from any page, by keyboard.
        page.keyboard.press("h")
        page.keyboard.type(f"{HOST}:{world.stage.origin.port}")
        page.keyboard.press("Enter")
        expect(page.locator(".answer")).to_contain_text("passes uninspected")
        expect(page.locator(".answer")).to_contain_text("network team")
        page.goto(world.url + "rules")
        page.keyboard.press("/")
        page.keyboard.type("network")
        with page.expect_navigation():  # the row was there before, too
            page.keyboard.press("Enter")
        expect(page.get_by_role("row").nth(1)).to_contain_text("network team")
        page.locator("h1").click()
        page.keyboard.press("j")
        page.keyboard.press("Enter")

        page.get_by_role("link", name="End now").click()
        expect(page.get_by_role("heading", name="End it now?")).to_be_visible()
        page.get_by_role("button", name="End it").click()
        expect(page.get_by_text("has ended")).to_be_visible()
        until(lambda: do(world.stage.clients(HOST, pin)) == "refused, refused")


@contextmanager
def served(folder: Path) -> Generator[tuple[str, str, Path]]:
    """The page alone, over a store with one candidate."""
    path = folder / "b.sqlite3"
    now = datetime.now(UTC)
    with BypassStore(path, lambda: now) as store:
        long = "a-rather-long-name-of-a-host.that-goes-on.and-on.in-some-data-centre.example"
        for host in ("bank.example", long):
            fields = (4.0, ("10.0.0.1", "10.0.0.2"), now, now, "2 clients refuse it.")
            store.propose(Candidate(host, "certificate-pinned", *fields))
    listening, stop = start(path, "127.0.0.1:0")
    assert listening.secret_file is not None
    try:
        yield listening.url, listening.secret_file.read_text().strip(), path
    finally:
        stop()


def test_a_form_on_another_site_decides_nothing(page: Page, tmp_path: Path) -> None:
    with served(tmp_path) as (url, token, path), other_site(url) as elsewhere:
        log_in(page, url, token)
        with page.expect_response(lambda r: r.url.endswith("/approve")) as answered:
            page.goto(elsewhere)
        assert answered.value.status == 403
        # A name of somebody else's that leads here reaches nothing.
        rebound = httpx.get(url, headers={"host": "evil.example"}, trust_env=False)
        assert rebound.status_code == 421
        with BypassStore(path, clock.now) as store:
            assert store.rules() == []


@contextmanager
def other_site(url: str) -> Generator[str]:
    """A page that sends a form here by itself."""
    ends = (date.today() + timedelta(days=9)).isoformat()
    fields = {
        "owner": "mallory",
        "reason": "x",
        "expires": ends,
        "scope": "bank.example:443",
        "csrf": "",
    }
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    body = f"""<form method="post" action="{url}candidate/bank.example/approve">{inputs}</form>
<script>document.forms[0].submit()</script>""".encode()

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}/"
        site.shutdown()
        thread.join()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_shows_every_page_without_scrolling_sideways(
    page: Page, tmp_path: Path, scheme: Any
) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    page.emulate_media(color_scheme=scheme)
    with served(tmp_path) as (url, token, _):
        log_in(page, url, token)
        for where in PAGES:
            page.goto(url + where)
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, where
        ink, paper = (
            page.evaluate(f"getComputedStyle(document.documentElement).{one}")
            for one in ("color", "backgroundColor")
        )
        dark = sum(map(int, paper[4:-1].split(","))) < sum(map(int, ink[4:-1].split(",")))
        assert dark == (scheme == "dark")


def test_controls_have_names_and_the_page_has_landmarks(page: Page, tmp_path: Path) -> None:
    with served(tmp_path) as (url, token, _):
        log_in(page, url, token)
        for where in PAGES:
            page.goto(url + where)
            expect(page.get_by_role("main")).to_be_visible()
            expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
            for control in page.locator("button:visible, input:visible, a:visible").all():
                named = control.evaluate(
                    "e => (e.ariaLabel || e.textContent.trim() || [...(e.labels || [])]"
                    ".map(l => l.textContent.trim()).join('')).length > 0"
                )
                assert named, control.evaluate("e => e.outerHTML")
            for image in page.locator("svg").all():
                assert image.get_attribute("aria-label")


def test_beyond_loopback_it_speaks_tls_and_takes_the_password(tmp_path: Path) -> None:
    import subprocess
    import sys

    pki = LabPki()
    certificate = tmp_path / "page.pem"
    credential = pki.issue("review.test")
    certificate.write_text(credential.chain_pem + credential.key_pem)
    certificate.chmod(0o600)
    (tmp_path / "password").write_text("a long enough password\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "detector", "bypass", "serve", "--listen", "0.0.0.0:0",
         "--certificate", certificate, "--password-file", tmp_path / "password",
         "--store", tmp_path / "b.sqlite3"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        port = said.strip().rstrip("/").rpartition(":")[2]
        assert said.startswith("review page: https://0.0.0.0:")
        (tmp_path / "root.pem").write_text(pki.root.pem)
        answer = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", "--cacert",
             tmp_path / "root.pem", "--resolve", f"review.test:{port}:127.0.0.1",
             "-H", f"Origin: https://review.test:{port}", "--data-urlencode",
             "token=a long enough password", f"https://review.test:{port}/login"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert answer.stdout == "303"
        assert not [*tmp_path.glob("review-token*")]
        # Before TLS is spoken nobody is anybody: who says nothing makes room, and is left in the end.
        with contextlib.ExitStack() as stack:
            silent = [
                stack.enter_context(socket.create_connection(("127.0.0.1", int(port)), PATIENCE))
                for _ in range(230)
            ]
            context = ssl.create_default_context(cafile=str(tmp_path / "root.pem"))
            with httpx.Client(verify=context, trust_env=False) as client:
                url = f"https://127.0.0.1:{port}/login"
                headers = {"host": f"review.test:{port}"}
                names = {"sni_hostname": "review.test"}
                assert client.get(url, headers=headers, extensions=names).status_code == 200
            silent[-1].settimeout(2 * PATIENCE)
            assert silent[-1].recv(1) == b""
    finally:
        process.terminate()
        process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()
