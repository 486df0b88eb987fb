"""How long the fleet page's views take over 50,000 agents and 200,000 findings in SQLite.

    python bench/fleet_page.py [FOLDER]

Nine tenths of the agents are behind one allowed gateway, half of them in networks of their own; 400 CAs that are not
allowed intercept the rest. Each view is asked through the whole page, templates and all, three times; the quickest and
the slowest count, and the least of processor time, which is what an idle core would take and a busy machine changes little.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from figures import FIGURES

from addons.fleet.sqlite_database import open_sqlite
from tests.fleet.page.looking import Onlooker

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
AGENTS, FINDINGS, NETWORKS = 50_000, 200_000, 25_000
# Of row n: the same spread everywhere, without chance.
_NETWORK = f"printf('%032x', CASE n % 2 WHEN 0 THEN n % 200 ELSE (n * 7919) % {NETWORKS} END)"
_FILL = f"""
INSERT INTO network (id, first, last, label, gateway, ssid)
SELECT printf('%032x', n), :day, :now, CASE WHEN n < 200 THEN 'Office ' || n ELSE '' END, '', ''
FROM number WHERE n < {NETWORKS};
INSERT INTO agent (device, name, system, tlsight, tables, network, first, last, due, revoked, told, lists, settled)
SELECT printf('%032x', n * 2654435761 % 4294967296), printf('lap-%05d', n), 'linux', '3.0.' || (n % 4), 'ab', {_NETWORK},
    :day, :now, CASE WHEN n % 40 = 0 THEN :day ELSE :due END, CASE WHEN n % 1000 = 7 THEN :day END, :now, '', :now
FROM number WHERE n < {AGENTS};
INSERT INTO finding (
    id, device, kind, subject, network, verdict, sanctioned, product, engine, category, issuer, issuer_spki, host,
    hosts, host_count, opened, changed, seen, closed, event, canary, spares, met, judged, proven
)
SELECT printf('%032x', n * 40503 % 16777216 + n * 16777216), printf('%032x', m * 2654435761 % 4294967296),
    CASE WHEN n >= {AGENTS} AND n < {AGENTS} + 4000 THEN 'suspect' ELSE 'interception' END,
    'spki:' || printf('%064x', who), {_NETWORK.replace("n *", "m *").replace("n %", "m %")}, 'intercepted', who = 0,
    CASE who % 5 WHEN 0 THEN 'Zscaler' WHEN 1 THEN 'FortiGate' WHEN 2 THEN 'Kaspersky' ELSE '' END, '', 'gateway',
    'CN=Some CA ' || who, printf('%064x', who), 'site-' || (n * 31 % 500) || '.example.com:443', '[]', 1,
    strftime('%Y-%m-%dT%H:%M:%SZ', :now, '-' || (n * 97 % 129600) || ' minutes'),
    strftime('%Y-%m-%dT%H:%M:%SZ', :now, '-' || (n * 97 % 129600) || ' minutes'), :now,
    CASE WHEN n >= {AGENTS} + 4000 THEN :now END, printf('%032x', n), 1, 0, '', :now, 1
FROM (SELECT n, n % {AGENTS} AS m, CASE WHEN n < {AGENTS * 9 // 10} THEN 0 ELSE 1 + n % 400 END AS who FROM number
    WHERE n < {FINDINGS});
INSERT INTO event (id, device, at, received, kind, severity, finding, headline, body)
SELECT event, device, opened, opened, 'opened', 'high', id, 'interception opened', '{{}}' FROM finding;
"""


def fill(path: Path) -> None:
    """Tables as the collector makes them, and rows in them."""

    async def made() -> None:
        await (await open_sqlite(path)).close()

    asyncio.run(made())
    moments = {
        "now": NOW, "day": NOW - timedelta(days=1), "due": NOW + timedelta(minutes=12),
    }  # fmt: skip
    stamps = {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in moments.items()}
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("CREATE TEMP TABLE number (n INTEGER PRIMARY KEY)")
        db.executemany("INSERT INTO number VALUES (?)", ((n,) for n in range(FINDINGS)))
        for statement in _FILL.strip().rstrip(";").split(";\n"):
            db.execute(
                statement, {name: at for name, at in stamps.items() if f":{name}" in statement}
            )
    db.close()


def fleet_page(folder: Path | None) -> None:
    """The page's views, each with its times. `folder`: where the database is made for as long."""
    slowest = 0.0
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path = Path(name) / "fleet.sqlite3"
        began = time.perf_counter()
        fill(path)
        print(f"{path.stat().st_size >> 20} MiB in {time.perf_counter() - began:.0f} s")
        db = sqlite3.connect(path)
        ((device, finding),) = db.execute(
            "SELECT device, id FROM finding LIMIT 1 OFFSET 777"
        ).fetchall()
        db.close()
        big, network = f"subject=spki:{0:064x}", f"id={3:032x}"
        views = (
            "/", "/interceptors", f"/interceptor?{big}", f"/interceptor?{big}&state=closed",
            f"/interceptor?subject=spki:{9:064x}", "/networks", "/networks?q=office", f"/network?{network}",
            f"/network?{network}&state=closed", "/products", "/product?product=Zscaler", "/product?product=FortiGate",
            "/agents", "/agents?state=silent&order=last", "/agents?state=intercepted", "/agents?q=99&order=version",
            "/agents?order=network&page=200", f"/agent?device={device}", "/findings", "/findings?state=open",
            "/findings?state=open&kind=interception&allowed=no", "/findings?state=open&kind=trust", "/findings?q=nothing",
            "/findings?state=closed&page=200", "/findings?days=1", f"/finding?device={device}&id={finding}",
            "/correlations", "/questions", "/search?q=lap-0123", "/search?q=some+ca", "/metrics",
        )  # fmt: skip
        with Onlooker(path, NOW) as looker:
            for view in views:
                times, used = [], []
                for _ in range(3):
                    began, spent = time.perf_counter(), time.process_time()
                    looker.get(view)
                    times.append(1000 * (time.perf_counter() - began))
                    used.append(1000 * (time.process_time() - spent))
                slowest = max(slowest, min(used))
                print(
                    f"{min(times):7.1f} to {max(times):7.1f} ms, {min(used):6.1f} of processor  {view[:70]}"
                )
    print(f"  slowest view {slowest:.0f} ms of processor (aim: under 300)")
    print(f"  load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    FIGURES.note("fleet's page: slowest view, ms of processor", slowest, "lower", 0.5)


if __name__ == "__main__":
    fleet_page(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
