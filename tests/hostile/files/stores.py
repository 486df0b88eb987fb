"""SQLite files that are damaged, cut, of another program, or hold what no store of ours would."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from tests.hostile.files.written import holding


def _made(*statements: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made")
        db = sqlite3.connect(path)
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()
        return path.read_bytes()


def _whole() -> bytes:
    return _made(
        "CREATE TABLE rule (id INTEGER PRIMARY KEY, body TEXT)",
        "INSERT INTO rule SELECT value, hex(randomblob(500)) FROM generate_series(1, 400)"
        if False
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
        " INSERT INTO rule SELECT i, hex(randomblob(500)) FROM n",
    )


def _damaged() -> bytes:
    data = bytearray(_whole())
    for at in range(4096, len(data), 97):
        data[at] ^= 0xFF
    return bytes(data)


KINDS = {
    "foreign.sqlite3": holding("foreign.sqlite3", _whole),
    "damaged.sqlite3": holding("damaged.sqlite3", _damaged),
    "cut.sqlite3": holding("cut.sqlite3", lambda: _whole()[:9000]),
    "header.sqlite3": holding("header.sqlite3", lambda: b"SQLite format 3\0" + bytes(5000)),
    "future.sqlite3": holding("future.sqlite3", lambda: _made("PRAGMA user_version = 99999")),
    "endless.sqlite3": holding(
        "endless.sqlite3",
        lambda: _made(
            "CREATE VIEW rule AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT i AS id, i AS pattern, i AS host, '{}' AS body FROM n"
        ),
    ),
}
