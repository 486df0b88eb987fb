"""The tables that come with the product: products, engines, published keys, CT logs."""

from __future__ import annotations

import binascii
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from detector.chain.sct import CTLog
from detector.errors import ConfigError
from detector.evidence.known import Engine, Product, PublishedKey, PublishedKeys
from detector.knowledge.rows import load_rows, read_toml, row_line, rows_of

DATA = Path(__file__).parent.parent / "data"


@lru_cache(maxsize=1)
def products() -> tuple[Product, ...]:
    return load_products(DATA / "products.toml")


@lru_cache(maxsize=1)
def engines() -> tuple[Engine, ...]:
    return tuple(load_rows(DATA / "engines.toml", "engine", Engine))


@lru_cache(maxsize=1)
def published_keys() -> PublishedKeys:
    return load_published_keys(DATA / "published_keys.toml")


@lru_cache(maxsize=1)
def ct_logs() -> dict[bytes, CTLog]:
    return load_ct_logs(DATA / "ct_logs.toml")


def load_products(path: Path) -> tuple[Product, ...]:
    """Product rows; every expression must compile. Raises ConfigError."""
    data, text = read_toml(path)
    rows = rows_of(path, data, text, "product", Product, required=True)
    for index, row in enumerate(rows):
        for alternative in row.match:
            for expression in alternative.values():
                try:
                    re.compile(expression)
                except re.error as error:
                    why = f"{row.name}: {expression!r} is no regular expression: {error}"
                    line = row_line(text, "product", index)
                    raise ConfigError(str(path), why, line=line) from None
    return tuple(rows)


def load_published_keys(path: Path) -> PublishedKeys:
    """Published keys; digests must be whole. Raises ConfigError."""
    data, text = read_toml(path)
    rows = rows_of(path, data, text, "key", PublishedKey, required=True)
    for index, row in enumerate(rows):
        for digest, size in ((row.spki_sha256, 64), (row.sha256, 64), (row.sha1, 40)):
            if digest is not None and not re.fullmatch(rf"[0-9a-f]{{{size}}}", digest):
                why = f"{row.name}: {digest!r} is not {size} lower-case hex digits"
                raise ConfigError(str(path), why, line=row_line(text, "key", index))
    return PublishedKeys(rows)


@dataclass(frozen=True, slots=True)
class _LogRow:
    name: str
    operator: str
    id: str
    key: str
    state: Literal["pending", "qualified", "usable", "readonly", "retired", "rejected"]
    start: datetime | None = None
    end: datetime | None = None
    distrusted: datetime | None = None
    redacts: bool = False


def load_ct_logs(path: Path) -> dict[bytes, CTLog]:
    """CT logs by log id, from our own TOML or from a log list in Google's JSON schema v3.

    A log's id must be the digest of its key. Raises ConfigError.
    """
    if path.suffix == ".json":
        return _from_google(path)
    data, text = read_toml(path)
    rows = rows_of(path, data, text, "log", _LogRow, required=True)
    return dict(_log(path, row, row_line(text, "log", index)) for index, row in enumerate(rows))


def _log(path: Path, row: _LogRow, line: int | None) -> tuple[bytes, CTLog]:
    try:
        log_id, key = binascii.a2b_base64(row.id), binascii.a2b_base64(row.key)
    except ValueError as error:
        raise ConfigError(str(path), f"{row.name}: {error}", line=line) from None
    if sha256(key).digest() != log_id:
        raise ConfigError(str(path), f"{row.name}: id is not the SHA-256 of key", line=line)
    return log_id, CTLog(
        log_id=log_id,
        key=key,
        name=row.name,
        operator=row.operator,
        state=row.state,
        start=row.start,
        end=row.end,
        distrusted=row.distrusted,
        redacts=row.redacts,
    )


@dataclass(frozen=True, slots=True)
class _Interval:
    start_inclusive: datetime
    end_exclusive: datetime


@dataclass(frozen=True, slots=True)
class _Change:
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class _GoogleLog:
    log_id: str
    key: str
    description: str = ""
    state: dict[str, _Change] | None = None
    temporal_interval: _Interval | None = None


@dataclass(frozen=True, slots=True)
class _Operator:
    name: str
    logs: tuple[_GoogleLog, ...] = ()
    tiled_logs: tuple[_GoogleLog, ...] = ()


@dataclass(frozen=True, slots=True)
class _GoogleList:
    operators: tuple[_Operator, ...]


def _from_google(path: Path) -> dict[bytes, CTLog]:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_GoogleList)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
    except (msgspec.MsgspecError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"no log list of schema v3: {error}") from None
    logs: dict[bytes, CTLog] = {}
    for operator in found.operators:
        for log in (*operator.logs, *operator.tiled_logs):
            state, change = next(iter((log.state or {"pending": _Change()}).items()))
            interval = log.temporal_interval
            trusted = state in ("usable", "qualified", "readonly", "pending")
            row = _LogRow(
                name=log.description,
                operator=operator.name,
                id=log.log_id,
                key=log.key,
                state=state,  # type: ignore[arg-type]
                start=interval.start_inclusive if interval else None,
                end=interval.end_exclusive if interval else None,
                distrusted=None if trusted else change.timestamp,
                redacts="Deneb" in log.description,
            )
            log_id, known = _log(path, row, None)
            logs[log_id] = known
    return logs


def table_date(path: Path = DATA / "ct_logs.toml") -> date:
    """The day of the official list that the shipped table was made from."""
    data, _ = read_toml(path)
    timestamp = data["timestamp"]
    assert isinstance(timestamp, datetime)
    return timestamp.date()
