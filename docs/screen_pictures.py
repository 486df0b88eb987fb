"""Pictures of the command's screens: real runs in a terminal of 80 columns, on white and on black.

    python -m docs.screen_pictures FOLDER [--columns 80] [--png]

Servers of the lab, forged chains of real interceptors, a small machine's stores; rich draws what was written.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import certifi
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from detector.lab import demo, pki
from detector.lab.cases import case
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.world import open_world
from docs.evidence_pictures import a_capture, a_log

_XTERM = [
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205),
    (0, 205, 205), (229, 229, 229),
]  # fmt: skip
_BRIGHT = [
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255),
    (0, 255, 255), (255, 255, 255),
]  # fmt: skip
THEMES = {
    "light": TerminalTheme((255, 255, 255), (0, 0, 0), _XTERM, _BRIGHT),
    "dark": TerminalTheme((30, 30, 30), (229, 229, 229), _XTERM, _BRIGHT),
}
SAVED = Path(__file__).parents[1] / "tests" / "data" / "forged_chains.ndjson"


class Screens:
    """The screens, each a command line with what it needs around it.

    Args:
        work: a folder for what they read.
        columns: of the terminal.

    """

    def __init__(self, work: Path, columns: int) -> None:
        self._work, self._columns = work, columns
        self.shown: dict[str, tuple[str, str]] = {}

    async def all(self) -> dict[str, tuple[str, str]]:
        """Every screen: what was typed, and what was written."""
        await self._checks()
        await self._diagnoses()
        self._at_rest()
        self._machine()
        await self._offline()
        return self.shown

    async def _checks(self) -> None:
        world = pki.LabPki()
        trust, logs = self._work / "root.pem", self._work / "logs.json"
        trust.write_text(world.root.pem)
        logs.write_text(world.ct_logs_json)
        hosts = ("bank.example", "github.com", "example.com")
        ca = demo._gateway_ca().credential()  # noqa: SLF001
        async with (
            Origin({host: world.issue(host) for host in hosts}) as origin,
            Mitmdump(self._work / "m", trust=trust, ca=ca) as mitm,
        ):
            where = ("--connect", f"127.0.0.1:{origin.port}", "--roots", trust, "--ct-logs", logs)
            await self._run("check-direct", ("check", "bank.example"), where)
            through = (*where, "--proxy", mitm.url, "--no-canaries")
            await self._run("check-intercepted", ("check", "github.com", "example.com"), through)
        wrong = case("wrong-host")
        assert wrong is not None
        async with _world(self._work / "wrong") as lab, wrong.make(lab) as server:
            where = (
                "--connect", f"127.0.0.1:{server.port}", "--roots", self._work / "wrong" / "root.pem",
                "--ct-logs", self._work / "wrong" / "logs.json",
            )  # fmt: skip
            await self._run("check-suspect", ("check", "localhost"), where)

    async def _diagnoses(self) -> None:
        for name, id_, more in (
            ("diagnose-failing", "incomplete-chain", ("--for", "nginx")),
            ("diagnose-config", "expired-leaf", ()),
            ("diagnose-healthy", "healthy", ()),
        ):
            one = case(id_)
            if one is None:
                continue
            async with AsyncExitStack() as stack:
                world = await stack.enter_async_context(_world(self._work / name))
                server = await stack.enter_async_context(one.make(world))
                where = (
                    "--connect", f"127.0.0.1:{server.port}", "--roots", self._work / name / "root.pem",
                    "--ct-logs", self._work / name / "logs.json",
                )  # fmt: skip
                await self._run(name, ("diagnose", *more, "localhost"), where)

    def _at_rest(self) -> None:
        log, capture = self._work / "error.log", self._work / "trace.pcap"
        log.write_bytes(a_log())
        capture.write_bytes(a_capture())
        self._now("logs", ("logs", "error.log"))
        self._now("pcap", ("pcap", "trace.pcap"))
        said = "curl: (60) SSL certificate problem: unable to get local issuer certificate"
        self._now("explain", ("explain", said))

    def _machine(self) -> None:
        root = self._work / "machine"
        bundle = root / "etc/ssl/certs/ca-certificates.crt"
        local = root / "usr/local/share/ca-certificates"
        for folder in (bundle.parent, local, root / "home/user"):
            folder.mkdir(parents=True)
        planted = {
            "superfish": pki.Authority("Superfish, Inc.", organization="Superfish, Inc."),
            "corp": pki.Authority("Example Corp Root CA", organization="Example Corp"),
        }
        for file, authority in planted.items():
            (local / f"{file}.crt").write_text(authority.pem)
        bundle.write_bytes(Path(certifi.where()).read_bytes())
        with bundle.open("a") as file:
            file.write("".join(authority.pem for authority in planted.values()))
        (root / "home/user/.npmrc").write_text("strict-ssl=false\n")
        self._now("trust", ("trust", "--root", "machine"))
        ca = self._work / "corp.pem"
        ca.write_text(planted["corp"].pem)
        self._now("trust-why", ("trust", "why", "npm", "--root", "machine", "--ca", "corp.pem"))

    async def _offline(self) -> None:
        alone = ("unshare", "--net", "--map-root-user") if shutil.which("unshare") else ()
        self._now("offline", ("check",), prefix=alone)

    async def _run(self, name: str, words: Sequence[object], hidden: Sequence[object]) -> None:
        await asyncio.to_thread(self._now, name, words, hidden)

    def _now(
        self, name: str, words: Sequence[object], hidden: Sequence[object] = (),
        prefix: Sequence[str] = (),
    ) -> None:  # fmt: skip
        verb, *rest = map(str, words)
        command = [*prefix, sys.executable, "-m", "detector", verb, *map(str, hidden), *rest]
        shown = " ".join(f'"{word}"' if " " in word else word for word in map(str, words))
        said = on_terminal(command, self._columns, self._work)
        self.shown[name] = (f"$ tlsight {shown}\n", said)


@asynccontextmanager
async def _world(folder: Path) -> AsyncGenerator[pki.LabPki]:
    await asyncio.to_thread(folder.mkdir)
    async with open_world(folder) as world:
        yield world


def on_terminal(command: Sequence[str], columns: int, folder: Path) -> str:
    """What a command writes to a terminal of so many columns."""
    ours, its = pty.openpty()
    kept = {
        k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM")
    }
    source = os.environ.get("PYTHONPATH") or str(Path(__file__).parents[1])
    more = {
        "COLUMNS": str(columns), "TERM": "xterm-256color", "PYTHONPATH": source,
        "XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config"),
    }  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=its, stderr=its, env=kept | more, cwd=folder
    ) as running:
        os.close(its)
        said = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says EIO where the other end is closed
                break
            if not part:
                break
            said += part
        running.wait(120)
    os.close(ours)
    text = said.decode().replace("\r\n", "\n")
    return re.sub(r"[^\n]*\r(?!\n)", "", text).replace(str(folder) + "/", "")


def picture(typed: str, said: str, theme: str, columns: int) -> str:
    """SVG, without the web fonts that rich asks for: no page of ours loads anything from elsewhere."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(
            record=True, width=columns, file=nowhere, force_terminal=True, color_system="256"
        )
        console.print(Text(typed))
        console.print(Text.from_ansi(said))
        svg = console.export_svg(title="", theme=THEMES[theme])
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--png", action="store_true", help="through Chromium, to look at")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        screens = asyncio.run(Screens(Path(work), chosen.columns).all())
    for name, (typed, said) in screens.items():
        (chosen.folder / f"{name}.txt").write_text(typed + Text.from_ansi(said).plain)
        for theme in THEMES:
            svg = picture(typed, said, theme, chosen.columns)
            (chosen.folder / f"{name}-{theme}.svg").write_text(svg)
    if chosen.png:
        photograph(sorted(chosen.folder.glob("*.svg")))


def photograph(files: Sequence[Path]) -> None:
    """A PNG beside each SVG."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--headless", "--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(viewport={"width": 1000, "height": 700})
        for file in files:
            page.set_content(f'<body style="margin:0">{file.read_text()}</body>')
            page.locator("svg").screenshot(path=file.with_suffix(".png"))
        browser.close()


if __name__ == "__main__":
    main()
