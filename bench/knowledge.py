"""The store of known issuers at a million: how fast a host is found, how big it is, how fast it fills.

Peers, in the same run and file system: a bare SELECT by primary key, and a bare INSERT of the same
bytes, both through Python's sqlite3.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from detector.ct.issuance import IssuanceLookup, LoggedIssuer
from detector.knowledge.ct_store import CtStore

_ISSUERS_A_HOST = 4
_KINDS = 300
AT = datetime(2026, 11, 23, tzinfo=UTC)


def knowledge(folder: Path, issuers: int) -> None:
    """Fill a store with `issuers` issuers of hosts, then look hosts up."""
    hosts = issuers // _ISSUERS_A_HOST
    path = folder / "ct.sqlite3"
    store = CtStore(path)
    start = time.perf_counter()
    batch = 10_000
    for first in range(0, hosts, batch):
        store.save(lookups(first, min(first + batch, hosts)))
    filled = time.perf_counter() - start
    store.close()
    bare = bare_insert(folder / "bare.sqlite3", hosts)
    store = CtStore(path, read_only=True)
    names = [name_of(random.randrange(hosts)) for _ in range(20_000)]
    ours = each(store.find, names)
    missing = each(store.find, [f"missing-{name}" for name in names])
    db = sqlite3.connect(folder / "bare.sqlite3")
    query = "SELECT data FROM bare WHERE host = ?"
    peer = each(lambda name: db.execute(query, (name,)).fetchone(), names)
    db.close()
    found = store.find(names[0])
    assert found is not None
    assert len(found.spki) == _ISSUERS_A_HOST
    store.close()
    print(f"known issuers, a store of {issuers:,}")
    print(f"  size                                   {path.stat().st_size / 2**20:8.1f} MiB")
    print(f"    an issuer                            {path.stat().st_size / issuers:8.1f} bytes")
    print(f"  import, issuers a second               {issuers / filled:8.0f}")
    print(f"    {filled / bare:.1f}x the time of a bare INSERT of each host's bytes")
    print(f"  a host found, median                   {ours * 1e6:8.1f} us (aim: under 50)")
    print(f"  a host that is not there, median       {missing * 1e6:8.1f} us")
    print(f"    {ours / peer:.1f}x a bare SELECT by primary key ({peer * 1e6:.1f} us)\n")


def lookups(first: int, last: int) -> Iterator[IssuanceLookup]:
    """Answers like Cert Spotter's: a few issuers of a few hundred, as many leaf keys."""
    for number in range(first, last):
        kinds = [(number * 7 + k * 31) % _KINDS for k in range(_ISSUERS_A_HOST)]
        yield IssuanceLookup(
            host=name_of(number),
            source="certspotter",
            fetched=AT,
            ttl=86400,
            trusted=True,
            issuers=tuple(
                LoggedIssuer(
                    f"C=US, O=Certificate Authority {k}, CN=Issuing CA {k}",
                    f"{k:064x}", 3, True, AT - timedelta(days=k), AT,
                )
                for k in kinds
            ),
            leaf_keys=(f"{number:064x}",),
        )  # fmt: skip


def name_of(number: int) -> str:
    return f"h{number}.example{number % 50}.com"


def bare_insert(path: Path, hosts: int) -> float:
    """Seconds to insert as many rows of as many bytes, in one table without an index besides."""
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bare (host TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID")
    start = time.perf_counter()
    with db:
        rows = ((name_of(n), bytes(160)) for n in range(hosts))
        db.executemany("INSERT INTO bare VALUES (?, ?)", rows)
    seconds = time.perf_counter() - start
    db.close()
    return seconds


def each(work: Callable[[str], object], names: list[str]) -> float:
    """Median seconds of one call."""
    seconds: list[float] = []
    for name in names:
        start = time.perf_counter()
        work(name)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
