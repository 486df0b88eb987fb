"""Issuers that public logs hold for hosts, from a file that an administrator ships.

[[issuers]]                  # TOML; as JSON: {"issuers": [{"host": ..., "spki": [...]}]}
host = ".example.com"
spki = ["sha256//...="]      # keys of CAs with unexpired, publicly logged certificates
source = "Cert Spotter, 2026-11-20"
fetched = 2026-11-20T09:00:00Z   # optional: lets the absence of a public issuer count
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from detector.bounded import read_whole
from detector.errors import ConfigError
from detector.knowledge.hosts import host_pattern, key_digest
from detector.knowledge.rows import MAX_FILE, forbid_unknown, read_toml, row_line, rows_of
from detector.known.issuers import IssuerTable, KnownIssuers
from detector.model.no_json import NO_JSON


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    spki: tuple[str, ...]
    source: str = ""
    fetched: datetime | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issuers: tuple[_Row, ...]


def load_issuers(path: Path) -> IssuerTable:
    """TOML, or JSON in a file whose name ends so. Raises ConfigError with file and line."""
    if path.suffix == ".json":
        return IssuerTable(_known(path, str(path), row) for row in _json_rows(path))
    data, text = read_toml(path)
    forbid_unknown(path, data, {"issuers"})
    rows = rows_of(path, data, text, "issuers", _Row, required=True)
    return IssuerTable(
        _known(path, f"{path}:{row_line(text, 'issuers', index)}", row)
        for index, row in enumerate(rows)
    )


def _json_rows(path: Path) -> tuple[_Row, ...]:
    try:
        return msgspec.json.decode(read_whole(path, MAX_FILE), type=_File).issuers
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
    except NO_JSON as error:
        remedy = 'write {"issuers": [{"host": ..., "spki": [...]}]}'
        raise ConfigError(str(path), f"no issuers: {error}", remedy=remedy) from None


def _known(path: Path, where: str, row: _Row) -> KnownIssuers:
    keys = frozenset(key_digest(where, key) for key in row.spki)
    fetched = row.fetched
    if fetched is not None and fetched.tzinfo is None:
        fetched = fetched.replace(tzinfo=UTC)
    pattern = host_pattern(path, row.host)
    exact = not pattern.text.startswith((".", "*"))
    return KnownIssuers(pattern, keys, row.source or str(path), exact=exact, fetched=fetched)
