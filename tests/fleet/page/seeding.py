"""Fleets for the page: a big one for its figures, and a small one of which every event is real."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from addons.fleet.conditions import stamp
from addons.fleet.database import Row, Value
from addons.fleet.schema import FIRST

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PRODUCTS = (
    ("Zscaler Internet Access", "zscaler", "enterprise-gateway", "CN=Zscaler Intermediate Root CA"),
    ("FortiGate", "fortigate", "enterprise-gateway", "CN=FGT60F, O=Fortinet"),
    ("Kaspersky", "kaspersky", "antivirus", "CN=Kaspersky Anti-Virus Personal Root Certificate"),
    ("", "squid", "proxy", "CN=proxy.hotel.example"),
    ("", "mitmproxy", "debugging-proxy", "CN=mitmproxy, O=mitmproxy"),
    ("", "", "", "CN=Free WiFi Root CA"),
)


class Tables:
    """Rows for the database's tables; what a claim does not need is filled in."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, check_same_thread=False)
        self.db.executescript(
            f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; {FIRST}"
        )
        self._columns = {
            str(table): [(str(r[1]), str(r[2]), bool(r[3])) for r in self.db.execute(f"PRAGMA table_info({table})")]
            for (table,) in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }  # fmt: skip

    def add(self, table: str, rows: Iterable[Mapping[str, Value]]) -> None:
        columns = self._columns[table]
        blank: dict[str, Value] = {
            name: (0 if kind == "INTEGER" else "") if needed else None
            for name, kind, needed in columns
        }
        marks = ", ".join("?" * len(columns))
        whole = ({**blank, **row} for row in rows)
        self.db.executemany(
            f"INSERT INTO {table} VALUES ({marks})",
            ([row[name] for name, _, _ in columns] for row in whole),
        )
        self.db.commit()

    async def read(self, query: str, *values: Value) -> list[Row]:
        return self.db.execute(query, values).fetchall()

    async def write(self, statements: Sequence[tuple[str, Sequence[Row]]]) -> None:
        with self.db:
            for statement, rows in statements:
                self.db.executemany(statement, rows)

    async def close(self) -> None:
        self.db.close()


def ago(**time: float) -> str:
    return stamp(NOW - timedelta(**time))


def agent(number: int, network: str = "", **more: Value) -> dict[str, Value]:
    return {
        "device": f"{number:032x}", "name": f"lap-{number:05}", "system": "linux", "tlsight": "3.0.0",
        "tables": "ab12", "network": network, "first": ago(days=40), "last": ago(minutes=3),
        "due": stamp(NOW + timedelta(minutes=12)), **more,
    }  # fmt: skip


def finding(number: int, device: int, network: str, who: int, **more: Value) -> dict[str, Value]:
    product, engine, category, issuer = PRODUCTS[who % len(PRODUCTS)]
    key = f"{who:064x}"
    return {
        "id": f"{number:032x}", "device": f"{device:032x}", "kind": "interception", "subject": f"spki:{key}",
        "network": network, "verdict": "intercepted", "product": product, "engine": engine, "category": category,
        "issuer": issuer, "issuer_spki": key, "host": "www.example.com:443", "hosts": '["www.example.com:443"]',
        "host_count": 1, "opened": ago(days=2), "changed": ago(days=2), "seen": ago(minutes=5),
        "event": f"{number:032x}", **more,
    }  # fmt: skip


def big(tables: Tables, agents: int = 50_000, findings: int = 200_000) -> None:
    """A fleet behind one allowed gateway, at home and at work, with a few hundred who are not allowed."""
    chance = random.Random(4)
    places = [f"{n:032x}" for n in range(agents // 2)]  # half of all are alone at home
    office = places[:200]
    where = [
        chance.choice(office) if chance.random() < 0.5 else chance.choice(places)
        for _ in range(agents)
    ]
    hosts = [f"site-{n}.example.com:443" for n in range(500)]
    tables.add(
        "network",
        (
            {
                "id": p,
                "first": ago(days=60),
                "last": ago(hours=1),
                "label": f"Office {n}" if n < 200 else "",
            }
            for n, p in enumerate(places)
        ),
    )
    tables.add("agent", (
        agent(
            n, where[n], tlsight=f"3.0.{n % 4}",
            due=stamp(NOW + timedelta(minutes=12)) if n % 40 else ago(hours=30),
            revoked=ago(days=3) if n % 1000 == 7 else None,
        )
        for n in range(agents)
    ))  # fmt: skip

    def every() -> Iterable[Mapping[str, Value]]:
        for n in range(findings):
            device = n % agents
            changed = ago(days=chance.uniform(0, 90))
            more: dict[str, Value] = {
                "changed": changed,
                "opened": changed,
                "host": chance.choice(hosts),
            }
            if n < agents * 9 // 10:
                yield finding(n, device, where[device], 0, sanctioned=1, **more)
            elif n < agents:
                yield finding(n, device, where[device], 1 + n % 400, **more)
            elif n < agents + findings // 50:
                yield finding(
                    n,
                    device,
                    where[device],
                    7,
                    kind="suspect",
                    subject=f"host:{more['host']}",
                    verdict="suspect",
                    **more,
                )
            else:
                yield finding(n, device, where[device], n % 40, closed=changed, **more)

    tables.add("finding", every())
    tables.add("event", (
        {
            "id": f"{n:032x}", "device": f"{n % agents:032x}", "at": ago(days=chance.uniform(0, 30)),
            "received": ago(days=1), "kind": "opened", "severity": "high", "finding": f"{n:032x}",
            "headline": "interception opened", "body": "{}",
        }
        for n in range(findings)
    ))  # fmt: skip
    tables.add("correlation", (
        {
            "id": f"{n:032x}", "kind": "issuer-in-network", "subject": f"spki:{1 + n:064x}", "network": office[n % 200],
            "headline": f"one unknown issuer on {n + 3} laptops of one network", "agents": n + 3,
            "opened": ago(days=n / 10), "seen": ago(minutes=5), "body": "{}",
        }
        for n in range(300)
    ))  # fmt: skip
    tables.add(
        "question",
        (
            {
                "id": f"{n:032x}",
                "host": "www.example.com",
                "asked": ago(hours=n),
                "until": ago(hours=n - 1),
                "by": "ann",
                "wanted": 50,
            }
            for n in range(200)
        ),
    )
    tables.add(
        "answer",
        (
            {
                "question": f"{n % 200:032x}",
                "device": f"{n:032x}",
                "at": ago(hours=1),
                "verdict": "direct",
            }
            for n in range(10_000)
        ),
    )
    tables.db.execute("ANALYZE")
