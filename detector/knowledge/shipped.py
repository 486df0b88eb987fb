"""The tables that come with the product: products, engines, published keys, CT logs."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import msgspec

from detector.chain.sct import CTLog
from detector.errors import ConfigError
from detector.evidence.known import Engine, Product, PublishedKey, PublishedKeys
from detector.knowledge.rows import load_rows, read_toml, row_line, rows_of

DATA = Path(__file__).parent.parent / "data"


@lru_cache(maxsize=1)
def products() -> tuple[Product, ...]:
    # Compiling a hundred expressions costs more than all else at start; tests compile the shipped
    # ones, and a judge does when it first meets a private path.
    return tuple(load_rows(DATA / "products.toml", "product", Product))


@lru_cache(maxsize=1)
def engines() -> tuple[Engine, ...]:
    return tuple(load_rows(DATA / "engines.toml", "engine", Engine))


@lru_cache(maxsize=1)
def published_keys() -> PublishedKeys:
    return load_published_keys(DATA / "published_keys.toml")


@lru_cache(maxsize=1)
def ct_logs() -> dict[bytes, CTLog]:
    return load_ct_logs(DATA / "ct_logs.json")


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


def load_ct_logs(path: Path) -> dict[bytes, CTLog]:
    """CT logs by log id, from a list in Google's JSON schema v3.

    A log's id must be the digest of its key. Raises ConfigError.
    """
    found = (
        _known_log(path, operator.name, log)
        for operator in _log_list(path).operators
        for log in (*operator.logs, *operator.tiled_logs)
    )
    return {log.log_id: log for log in found}


def table_date(path: Path = DATA / "ct_logs.json") -> date | None:
    """The day of the official list that the shipped table was made from."""
    timestamp = _log_list(path).log_list_timestamp
    return timestamp.date() if timestamp else None


class _Interval(msgspec.Struct, frozen=True):
    start_inclusive: datetime
    end_exclusive: datetime


class _Change(msgspec.Struct, frozen=True):
    timestamp: datetime | None = None


class _Log(msgspec.Struct, frozen=True):
    log_id: bytes
    key: bytes
    description: str = ""
    url: str = ""
    monitoring_url: str = ""
    state: dict[str, _Change] = {}
    temporal_interval: _Interval | None = None


class _Operator(msgspec.Struct, frozen=True):
    name: str
    logs: tuple[_Log, ...] = ()
    tiled_logs: tuple[_Log, ...] = ()


class _LogList(msgspec.Struct, frozen=True):
    operators: tuple[_Operator, ...]
    version: str = ""
    log_list_timestamp: datetime | None = None


def _log_list(path: Path) -> _LogList:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_LogList)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        remedy = "give a file like Google's log_list.json"
        raise ConfigError(str(path), f"no list of CT logs: {error}", remedy=remedy) from None


def _known_log(path: Path, operator: str, log: _Log) -> CTLog:
    if sha256(log.key).digest() != log.log_id:
        raise ConfigError(str(path), f"{log.description}: log_id is not the SHA-256 of key")
    state, change = next(iter(log.state.items()), ("pending", _Change()))
    interval = log.temporal_interval
    return CTLog(
        log_id=log.log_id,
        key=log.key,
        name=log.description,
        operator=operator,
        state=state,
        start=interval.start_inclusive if interval else None,
        end=interval.end_exclusive if interval else None,
        distrusted=change.timestamp if state in ("retired", "rejected") else None,
        redacts="Deneb" in log.description,
        url=log.monitoring_url or log.url,
        tiled=bool(log.monitoring_url),
    )
