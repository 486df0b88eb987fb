"""Measure hellos of browsers, of programs that intercept and of TLS libraries; write them, and tell what is made of them.

    python scripts/make_browser_hellos.py --curl-cffi PYTHON [--to FILE]
    python scripts/make_browser_hellos.py --table [FILE]

PYTHON is an interpreter that has curl_cffi (python -m venv x; x/bin/pip install curl_cffi). Needs what
scripts/programs.sh installs, Chromium and Firefox ESR. The file holds facts, one JSON object a line:
tests/forensics/measured_hellos.jsonl is what detector/data/browser_hellos.toml and interceptor_hellos.toml were
made from. Read what changed before raising an `until` there: copies of hellos (curl_cffi's) are as good as
their makers, so where they and a real browser disagree, the browser is right.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec

from detector.knowledge.browser_hellos import browser_hellos
from detector.lab.pki import LabPki
from tests.forensics.measured_hellos import MEASURED_FILE, MeasuredHello, measured_hellos
from tests.live import browser_visits, hello_catcher
from tests.live.hello_catcher import NAME

CLAIMS = {
    "Chrome 48": "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/48.0.2564.109 Safari/537.36",
    "Chrome 70": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.3538.77 Safari/537.36",
    "Chrome 156": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "Firefox 44": "Mozilla/5.0 (Windows NT 6.1; rv:44.0) Gecko/20100101 Firefox/44.0",
    "Firefox 60": "Mozilla/5.0 (Windows NT 6.1; rv:60.0) Gecko/20100101 Firefox/60.0",
    "Firefox 153": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "Safari 9": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_4) AppleWebKit/601.5.17 (KHTML, like Gecko) Version/9.1 Safari/601.5.17",
    "Safari 14": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.1 Safari/605.1.15",
    "Safari 18": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
    "IE 11": "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Edge 18": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
    "Edge 120": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0",
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--curl-cffi", metavar="PYTHON")
    parser.add_argument("--to", type=Path, default=MEASURED_FILE)
    parser.add_argument("--table", type=Path, nargs="?", const=MEASURED_FILE)
    asked = parser.parse_args()
    if asked.table is None:
        if asked.curl_cffi is None:
            parser.error("--curl-cffi PYTHON is needed to measure")
        rows = list(measured(asked.curl_cffi))
        asked.to.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    else:
        rows = measured_hellos(asked.table)
    print("\n".join(table(rows)))
    return 0


def measured(python: str) -> Iterator[MeasuredHello]:
    yield from hello_catcher.profiles(python)
    with tempfile.TemporaryDirectory(prefix="hellos") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for what in (hello_catcher.interceptors, hello_catcher.libraries):
            place = folder / what.__name__
            place.mkdir()
            for program, facts in what(place).items():
                yield MeasuredHello(program, None, "t", facts)
        yield from real_browsers(folder)


def real_browsers(folder: Path) -> Iterator[MeasuredHello]:
    """Chromium and Firefox over both transports: first visits, resumed ones and a WebSocket."""
    pki, root = LabPki(), folder / "root.pem"
    root.write_text(pki.root.pem)
    for browser in ("chromium", "firefox"):
        for transport in ("tcp", "quic"):
            place = folder / f"{browser}-{transport}"
            place.mkdir()
            found = _visited(browser, transport, place, root, pki)
            for row in dict.fromkeys(found):
                yield msgspec.structs.replace(row, name=f"Debian's {browser}")


def _visited(
    browser: str, transport: str, place: Path, root: Path, pki: LabPki
) -> list[MeasuredHello]:
    with browser_visits.quic_port() as sink:
        port: int = sink.getsockname()[1]
        if browser == "chromium":
            word = (
                f"--origin-to-force-quic-on={NAME}:{port}"
                if transport == "quic"
                else "--disable-quic"
            )
            visit = browser_visits.chromium(place, root, word)
        else:
            visit = browser_visits.firefox(place, root, quic=port if transport == "quic" else 0)
        if transport == "tcp":
            return asyncio.run(browser_visits.over_tcp(place, visit, pki))[0]
        page = browser == "firefox"
        return asyncio.run(browser_visits.over_quic(place, visit, pki, sink, page=page))


def table(rows: list[MeasuredHello]) -> Iterator[str]:
    """Markdown: what each hello is taken for under its own User-Agent and under others'."""
    known = browser_hellos()
    yield "| hello | transport | its own User-Agent | looks like | under other User-Agents |"
    yield "|---|---|---|---|---|"
    for row in rows:
        own = known.opinion(row.facts, row.agent)
        others = Counter(
            opinion.interception
            for agent in CLAIMS.values()
            if (opinion := known.opinion(row.facts, agent)) is not None
        )
        told = ", ".join(f"{count} {what}" for what, count in sorted(others.items()))
        mine = "-" if row.agent is None or own is None else own.interception
        looks = own.looks_like if own is not None and own.looks_like else "-"
        over = {"t": "TCP", "q": "QUIC"}[row.transport]
        yield f"| {row.name} | {over} | {mine} | {looks} | {told} |"
    claimed = [
        opinion for row in rows if row.agent and (opinion := known.opinion(row.facts, row.agent))
    ]
    wrong = sum(opinion.interception == "likely" for opinion in claimed)
    yield f"\n{len(claimed)} hellos of browsers, accused: {wrong}."


if __name__ == "__main__":
    sys.exit(main())
