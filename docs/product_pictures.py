"""Pictures of the docs, which are real runs: an origin of the lab, real mitmproxies, rich's own SVG export."""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console

from addons.bypass.attempt import Attempt
from addons.bypass.learning import replay
from addons.bypass.rule import RuleRow
from addons.bypass.weighing import LearningOptions
from addons.review.server import start
from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import Decided, Heartbeat
from addons.store.traffic import Passage
from addons.store.unbound import Unbound
from detector import clock, version
from detector.judging.judge import judge_all
from detector.lab import demo, pki
from detector.lab.cases import case
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.world import open_world
from detector.model.inquiry import Diagnosis
from detector.model.observation import Judgement
from detector.model.targets import parse_target
from detector.net.fetch import FetchOptions
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from detector.report import check_text, diagnose_text
from detector.runs.diagnose import Investigation
from docs.evidence_pictures import evidence_pictures
from docs.page_pictures import a_machine, page_pictures

WIDTH = 100


def write_pictures(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    check_picture(folder / "check.svg")
    ladder_picture(folder / "ladder.svg")
    demo_picture(folder / "demo.svg")
    trust_picture(folder / "trust.svg")
    review_pictures(folder)
    report_pictures(folder)


def check_picture(path: Path) -> None:
    """`tlsight check` of one direct and two intercepted hosts."""
    console = Console(record=True, width=WIDTH, file=Path(os.devnull).open("w"))  # noqa: SIM115
    console.print("$ tlsight check bank.example github.com example.com\n")
    for judgement in asyncio.run(judgements()):
        console.print(check_text.render(judgement))
    save(console, path, "tlsight check")


async def judgements() -> list[Judgement]:
    """Two hosts through a mitmproxy whose CA was renamed, one past it."""
    world = pki.LabPki()
    known = world.knowledge()
    hosts = ("bank.example", "github.com", "example.com")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trust = folder / "root.pem"
        trust.write_text(world.root.pem)
        ca = demo._gateway_ca().credential()  # noqa: SLF001
        async with (
            Origin({host: world.issue(host) for host in hosts}) as origin,
            Mitmdump(folder / "m", trust=trust, ca=ca) as mitm,
        ):
            where = ("127.0.0.1", origin.port)
            past = ProbeOptions(connect_to=where)
            through = ProbeOptions(connect_to=where, routing=Routing(parse_proxy(mitm.url)))
            ways = (past, through, through)
            seen = [
                await probe(parse_target(host), way) for host, way in zip(hosts, ways, strict=True)
            ]
    return judge_all(seen, known)


def ladder_picture(path: Path) -> None:
    """`tlsight diagnose` of a server that forgets its intermediate."""
    one = case("incomplete-chain")
    assert one is not None

    async def diagnosed() -> Diagnosis:
        with tempfile.TemporaryDirectory() as folder:
            async with open_world(Path(folder)) as world, one.make(world) as server:
                options = ProbeOptions(connect_to=("127.0.0.1", server.port))
                how = Investigation(options, fetch=FetchOptions())
                return await how.of(parse_target("localhost"), world.knowledge())

    console = Console(record=True, width=WIDTH, file=Path(os.devnull).open("w"))  # noqa: SIM115
    console.print("$ tlsight diagnose --for nginx localhost\n")
    console.print(diagnose_text.render(asyncio.run(diagnosed()), ("nginx",)))
    save(console, path, "tlsight diagnose")


def demo_picture(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "detector", "demo"],
        env={**os.environ, "COLUMNS": str(WIDTH + 30), "FORCE_COLOR": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    console = Console(record=True, width=WIDTH + 30, file=Path(os.devnull).open("w"))  # noqa: SIM115
    from rich.text import Text

    console.print("$ make demo\n")
    console.print(Text.from_ansi(done.stdout))
    save(console, path, "tlsight demo")


def trust_picture(path: Path) -> None:
    """`tlsight trust` over a small machine with an adware's, a proxy's and a company's root."""
    with tempfile.TemporaryDirectory() as name:
        a_machine(Path(name))
        done = subprocess.run(
            [sys.executable, "-m", "detector", "trust", "--root", name],
            env={**os.environ, "COLUMNS": str(WIDTH), "FORCE_COLOR": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    console = Console(record=True, width=WIDTH, file=Path(os.devnull).open("w"))  # noqa: SIM115
    from rich.text import Text as Ansi

    console.print("$ tlsight trust\n")
    # The folder's own name is cut out, and its room given back, so that columns stay columns.
    shown = re.sub(rf"{name}([\w./-]*)", lambda m: m[1] + " " * len(name), done.stdout)
    console.print(Ansi.from_ansi(shown))
    save(console, path, "tlsight trust")


def report_pictures(folder: Path) -> None:
    """What `logs`, `pcap` and `check` tell, as pages."""
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--headless", "--no-sandbox", "--disable-gpu"],
        )
        evidence_pictures(folder, Path(work), browser)
        page_pictures(folder, Path(work), browser)
        browser.close()


def review_pictures(folder: Path) -> None:
    """The review page over a store with a month of attempts, in a real Chromium."""
    with tempfile.TemporaryDirectory() as name:
        store = Path(name) / "bypass.sqlite3"
        fill(store)
        listening, stop = start(store, "127.0.0.1:0")
        assert listening.secret_file is not None
        token = listening.secret_file.read_text().strip()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--headless", "--no-sandbox", "--disable-gpu"],
            )
            page = browser.new_page(viewport={"width": 1180, "height": 760})
            page.goto(listening.url)
            page.get_by_label("Token or password").fill(token)
            page.keyboard.press("Enter")
            page.wait_for_url(listening.url)
            for where, picture in (
                ("", "start"),
                ("candidate/api.bank.example", "candidate"),
                ("rules?order=bytes&down=1", "rules"),
                ("host?host=www.apple.example", "host"),
            ):
                beat(store)
                page.goto(listening.url + where)
                page.screenshot(path=folder / f"review-{picture}.png")
            beat(store)
            page.set_viewport_size({"width": 400, "height": 760})
            page.emulate_media(color_scheme="dark")
            page.goto(f"{listening.url}rules?order=ends")
            page.screenshot(path=folder / "review-narrow.png")
            browser.close()
        stop()


def fill(path: Path) -> None:
    """A month behind a proxy: three pinned names, one of them of another kind."""
    now = clock.now()
    chance = random.Random(4)  # noqa: S311 (a picture)
    hosts = ("api.bank.example", "login.bank.example", "push.bank.example")
    attempts: list[Attempt] = []
    passages: list[Passage] = []
    for days in range(29, -1, -1):
        at = now - timedelta(days=days, minutes=30)
        for n in range(chance.randrange(30, 60)):
            client = f"10.20.0.{n % 9 + 1}"
            attempts.append(
                Attempt(
                    at,
                    "client",
                    "www.shop.example",
                    443,
                    client,
                    "accepted",
                    ja4="t13d",
                    bound=True,
                )
            )
        for host in hosts:
            for _ in range(chance.randrange(6)):
                client = f"10.20.0.{chance.randrange(1, 5)}"
                attempts.append(
                    Attempt(at, "client", host, 443, client, "failed", alert=46, alert_by="client",
                            ja4="t13a", error="tls alert certificate unknown", bound=True)
                )  # fmt: skip
        for _ in range(chance.randrange(1, 2 + (30 - days) // 3)):
            size = chance.randrange(10_000, 4_000_000)
            passages.append(Passage(at, "www.apple.example", ".apple.example", 2000, size, 9.0))
    rules = (
        ("suffix", "apple.example", "pass", "network team", "Apple services, as Apple asks", 200, "NET-411"),
        ("host", "login.tax.example", "pass", "finance", "asks for a client certificate", 9, "FIN-12"),
        ("host", "update.printer.example", "pass", "workplace", "old TLS, replaced in spring", 3, ""),
        ("wildcard", "meet.example", "pass", "network team", "media streams", 120, "NET-390"),
        ("cidr", "198.51.100.0/24", "pass", "payments", "terminals of the tills", 300, "PAY-7"),
        ("host", "www.apple.example", "inspect", "security", "its shop is looked at all the same", 200, ""),
        ("host", "cdn.malware.example", "block", "security", "seen in an incident", 30, "SEC-88"),
    )  # fmt: skip
    with BypassStore(path, clock.now, "ann") as store:
        for kind, value, action, owner, reason, days, ticket in rules:
            row = {
                kind: value,
                "action": action,
                "owner": owner,
                "reason": reason,
                "ticket": ticket,
            }
            row |= {
                "expires": now.date() + timedelta(days=days),
                "created": now.date() - timedelta(days=90),
            }
            store.add_rule(RuleRow(**row))
        store.traffic.write(attempts, passages)
        for candidate in replay(attempts, LearningOptions(), None).candidates:
            store.propose(candidate)
        why = "asked for login.tax.example at 203.0.113.66:443, which is not its address"
        store.unbound.write(
            [Unbound(now, "login.tax.example", "203.0.113.66:443", "login.tax.example", why)]
        )


def beat(path: Path) -> None:
    """A proxy that is alive now."""
    now = clock.now()
    with BypassStore(path, clock.now, "ann") as store:
        last = Decided(now, "www.apple.example", "inspect", "www.apple.example")
        store.proxies.write(
            Heartbeat("one", "gateway-1", 812, version.__version__, "12.2.0", "suggest", 7, None,
                      now - timedelta(days=6), now, last)
        )  # fmt: skip


def save(console: Console, path: Path, title: str) -> None:
    """SVG without the web fonts that rich asks for: no page of ours loads anything from elsewhere."""
    svg = console.export_svg(title=title)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    path.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", svg))
