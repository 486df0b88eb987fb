"""Pictures of the reports that `check`, `diagnose` and `trust` write, and the worlds that they are about.

    python -m docs.page_pictures

Real runs: an origin of the lab, a real mitmproxy in front of it, the command itself.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import certifi
from playwright.sync_api import Browser, sync_playwright

from detector.lab import demo, pki
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.model.observation import Observation
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions, probe
from detector.net.routes import Routing, parse_proxy
from detector.runs.saved import encode_observation

_DIRECT = ("bank.example", "www.shop.example", "intranet", "forum.example")
_THROUGH = ("github.com", "example.com", "mail.example.org")


def some_hosts(folder: Path) -> list[str]:
    """Words of `judge` for hosts that were really asked: direct, private, suspect, intercepted, not reached."""
    world = pki.LabPki()
    (folder / "root.pem").write_text(world.root.pem)
    (folder / "logs.json").write_text(world.ct_logs_json)
    with ThreadPoolExecutor(1) as thread:  # playwright has a loop of its own in ours
        seen = thread.submit(asyncio.run, _asked(folder, world)).result()
    saved = folder / "saved.ndjson"
    # Where the lab's origin listened is nobody's business.
    seen = [replace(one, target=replace(one.target, dialled=None)) for one in seen]
    saved.write_bytes(b"".join(encode_observation(one) + b"\n" for one in seen))
    known = ("--roots", folder / "root.pem", "--ct-logs", folder / "logs.json")
    return ["judge", *map(str, known), str(saved)]


async def _asked(folder: Path, world: pki.LabPki) -> list[Observation]:
    corporate = pki.Authority("Example Corp CA", organization="Example Corp", profile=False)
    credentials = {host: world.issue(host) for host in (*_DIRECT, *_THROUGH)}
    credentials["intranet"] = corporate.issue("intranet")
    credentials["forum.example"] = world.issue("forum.example", logs=())
    ca = demo._gateway_ca().credential()  # noqa: SLF001
    async with (
        Origin(credentials) as origin,
        Mitmdump(folder / "m", trust=folder / "root.pem", ca=ca) as mitm,
    ):
        where = ("127.0.0.1", origin.port)
        past = ProbeOptions(connect_to=where)
        through = ProbeOptions(connect_to=where, routing=Routing(parse_proxy(mitm.url)))
        found = [await probe(parse_target(host), past) for host in _DIRECT]
        found += [await probe(parse_target(host), through) for host in _THROUGH]
    return [*found, await probe(parse_target("closed.example"), past)]


def a_machine(root: Path) -> None:
    """A small machine with an adware's, a proxy's and a company's root, and verification turned off."""
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    local = root / "usr/local/share/ca-certificates"
    for folder in (bundle.parent, local, root / "home/user"):
        folder.mkdir(parents=True)
    planted = {
        "superfish": pki.Authority("Superfish, Inc.", organization="Superfish, Inc."),
        "proxy": pki.Authority("mitmproxy", organization="mitmproxy"),
        "corp": pki.Authority("Example Corp Root CA", organization="Example Corp"),
    }
    for file, authority in planted.items():
        (local / f"{file}.crt").write_text(authority.pem)
    bundle.write_bytes(Path(certifi.where()).read_bytes())
    with bundle.open("a") as file:
        file.write("".join(authority.pem for authority in planted.values()))
    (root / "home/user/.npmrc").write_text("strict-ssl=false\n")


def page_pictures(folder: Path, work: Path, browser: Browser) -> None:
    """`check --html` as a browser shows it, its beginning."""
    report = work / "check.html"
    subprocess.run(
        [sys.executable, "-m", "detector", *some_hosts(work), "--no-store", "--html", str(report)],
        check=False, capture_output=True,
    )  # fmt: skip
    page = browser.new_page(viewport={"width": 1100, "height": 1180})
    page.goto(f"file://{report}")
    page.screenshot(path=folder / "check-report.png")
    page.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--headless", "--no-sandbox", "--disable-gpu"],
        )
        page_pictures(Path(__file__).parent / "pictures", Path(name), chromium)
        chromium.close()
