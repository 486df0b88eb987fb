"""Issuers that public logs hold for a host, from a file that an administrator ships.

[[issuers]]
host = ".example.com"
spki = ["sha256//...="]      # keys of CAs with unexpired, publicly logged certificates
source = "Cert Spotter, 2026-11-20"
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from detector.evidence.known import KnownIssuers
from detector.knowledge.hosts import host_pattern, key_digest
from detector.knowledge.rows import forbid_unknown, read_toml, row_line, rows_of


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    spki: tuple[str, ...]
    source: str = ""


def load_issuers(path: Path) -> tuple[KnownIssuers, ...]:
    """Raises ConfigError with file and line."""
    data, text = read_toml(path)
    forbid_unknown(path, data, {"issuers"})
    found: list[KnownIssuers] = []
    for index, row in enumerate(rows_of(path, data, text, "issuers", _Row, required=True)):
        where = f"{path}:{row_line(text, 'issuers', index)}"
        keys = frozenset(key_digest(where, key) for key in row.spki)
        found.append(KnownIssuers(host_pattern(path, row.host), keys, row.source or str(path)))
    return tuple(found)
