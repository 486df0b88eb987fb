"""Pictures of what logs and captures tell: a morning's log of nginx, and a capture of real handshakes."""

from __future__ import annotations

import random
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser

from bench.captures import HEADER, Writer, conversation
from detector import clock

_START = 1_790_150_400  # a Wednesday, 08:00
_REPLACED = 4260


def a_log() -> bytes:
    """Three hours: some old clients, scanners, and from 09:12 on clients that do not know the new CA."""
    chance = random.Random(7)  # noqa: S311 (a picture)
    lines: list[tuple[int, str]] = []
    failed = "SSL_do_handshake() failed (SSL: error:{}) while SSL handshaking, client: {}, server: shop.example"
    old = "0A000102:SSL routines::unsupported protocol"
    unknown = "0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48"
    expired = "0A000415:SSL routines::sslv3 alert certificate expired:SSL alert number 45"
    noise = "0A00010B:SSL routines::wrong version number"
    for _ in range(90):
        at = chance.randrange(10800)
        lines.append((at, failed.format(old, f"198.51.100.{chance.randrange(40)}")))
    for _ in range(60):
        at = chance.randrange(10800)
        lines.append((at, failed.format(noise, f"203.0.113.{chance.randrange(9)}")))
    for _ in range(25):
        at = chance.randrange(10800)
        lines.append((at, failed.format(expired, f"192.0.2.{chance.randrange(8)}")))
    for _ in range(620):
        at = _REPLACED + 30 + int(chance.betavariate(1.2, 2) * 6400)
        lines.append((at, failed.format(unknown, f"10.20.30.{chance.randrange(214)}")))
    lines.append((_REPLACED, ""))
    told: list[str] = []
    for number, (at, text) in enumerate(sorted(lines)):
        when = datetime.fromtimestamp(_START + at, UTC)
        if not text:
            told.append(
                f"{when:%Y/%m/%d %H:%M:%S} [notice] 7#7: signal 1 (SIGHUP) received from 1, reconfiguring"
            )
            continue
        told.append(f"{when:%Y/%m/%d %H:%M:%S} [info] 9#9: *{number} {text}")
    return ("\n".join(told) + "\n").encode()


def a_capture() -> bytes:
    """Some minutes: whole handshakes, and a server whose old certificate is refused."""
    chance = random.Random(7)  # noqa: S311 (a picture)
    good = Writer(conversation(ssl.TLSVersion.TLSv1_3, 4000))
    refused = Writer(conversation(ssl.TLSVersion.TLSv1_2, 0, expired=True))
    out = [HEADER]
    start = int(clock.now().timestamp()) - 600
    for number in range(400):
        late = number > 150 and chance.random() < 0.3
        writer = refused if late else good
        out.append(writer.connection(number * 977, start + number))
    return b"".join(out)


def evidence_pictures(folder: Path, work: Path, browser: Browser) -> None:
    """Reports as a browser shows them, and one plot."""
    (work / "error.log").write_bytes(a_log())
    (work / "trace.pcap").write_bytes(a_capture())
    command = [sys.executable, "-m", "detector"]
    subprocess.run(
        [*command, "logs", "--timezone", "UTC", "--report", str(work / "logs.html"), "--plot",
         str(folder / "logs-plot.svg"), str(work / "error.log")],
        check=False, capture_output=True,
    )  # fmt: skip
    subprocess.run(
        [*command, "pcap", "--no-store", "--html", str(work / "pcap.html"), str(work / "trace.pcap")],
        check=False, capture_output=True,
    )  # fmt: skip
    for name in ("logs", "pcap"):
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto(f"file://{work}/{name}.html")
        page.screenshot(path=folder / f"{name}-report.png", full_page=True)
        page.close()
