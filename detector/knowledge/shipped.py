"""The tables that come with the product: products, engines, published keys, CT logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import msgspec

from detector.bounded import read_bounded
from detector.chain.sct import CTLog
from detector.chain.shape_learning import HonestShape
from detector.errors import ConfigError, ListError, TargetError
from detector.knowledge.rows import forbid_unknown, load_rows, read_toml, row_line, rows_of
from detector.known.canaries import CanaryHost
from detector.known.intermediates import PublicIntermediate
from detector.known.knowledge import Engine, Product, PublishedKey, PublishedKeys, SharedCa
from detector.lists.log_list import MAX_LIST, ListKey, LogList, parse_list
from detector.model.no_json import NO_JSON
from detector.model.targets import normal_host

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
def shared_cas() -> tuple[SharedCa, ...]:
    """Private CAs with many owners."""
    return tuple(load_rows(DATA / "shared_cas.toml", "ca", SharedCa))


def honest_shapes() -> tuple[HonestShape, ...]:
    """Shapes of honest leaves, which no engine's row may match (scripts/make_honest_shapes.py)."""
    lines = (DATA / "honest_shapes.ndjson").read_bytes().splitlines()
    decoder = msgspec.json.Decoder(HonestShape)
    return tuple(decoder.decode(line) for line in lines)


@lru_cache(maxsize=1)
def published_keys() -> PublishedKeys:
    return load_published_keys(DATA / "published_keys.toml")


@lru_cache(maxsize=1)
def public_intermediates() -> tuple[PublicIntermediate, ...]:
    """CAs below public roots; two thousand rows, so nobody reads them before they are asked for."""
    return load_public_intermediates(DATA / "public_intermediates.json")


@lru_cache(maxsize=1)
def canaries() -> tuple[str, ...]:
    """Hosts of unrelated owners that everybody knows to be public, in the table's order."""
    data, _ = read_toml(DATA / "canaries.toml")
    return tuple(row["host"] for row in data["canary"])


@lru_cache(maxsize=1)
def canary_hosts() -> tuple[CanaryHost, ...]:
    """Several hundred more of their kind, to draw from."""
    return load_canary_hosts(DATA / "canary_hosts.toml")


@lru_cache(maxsize=1)
def ct_logs() -> dict[bytes, CTLog]:
    return load_ct_logs(DATA / "ct_logs.json")


@lru_cache(maxsize=1)
def retired_ct_logs() -> dict[bytes, CTLog]:
    """Logs that the official list has no more, with the time from which their word does not count."""
    return load_ct_logs(DATA / "ct_logs_retired.json")


class LogsOfAllTimes(Mapping[bytes, CTLog]):
    """Logs of today, and those retired, which are read when an SCT names one that is not of today."""

    def __init__(self, today: Mapping[bytes, CTLog]) -> None:
        self._today = today

    def __getitem__(self, log_id: bytes) -> CTLog:
        found = self._today.get(log_id)
        return found if found is not None else retired_ct_logs()[log_id]

    def __iter__(self) -> Iterator[bytes]:
        return iter({**retired_ct_logs(), **self._today})

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
        if row.spki is not None and sha256(row.spki).hexdigest() != row.spki_sha256:
            why = f"{row.name}: spki is not the key of that spki_sha256"
            raise ConfigError(str(path), why, line=row_line(text, "key", index))
    return PublishedKeys(rows)


def load_canary_hosts(path: Path) -> tuple[CanaryHost, ...]:
    """Known-public hosts, one an owner. Raises ConfigError."""
    data, text = read_toml(path)
    forbid_unknown(path, data, {"dated", "canary"})
    rows = rows_of(path, data, text, "canary", CanaryHost, required=True)
    seen: set[str] = set()
    for index, row in enumerate(rows):
        why = _why_no_canary(row, seen)
        if why is not None:
            raise ConfigError(str(path), why, line=row_line(text, "canary", index))
        seen |= {row.host, row.owner.casefold()}
    return tuple(rows)


def _why_no_canary(row: CanaryHost, seen: set[str]) -> str | None:
    try:
        normal = normal_host(row.host)
    except TargetError as error:
        return error.message
    if normal != row.host or "." not in normal or ":" in normal or normal[-1].isdigit():
        return f"{row.host!r} is no host's full name in lower case"
    if row.host in seen or row.owner.casefold() in seen:
        return f"{row.host}: the host, or its owner {row.owner!r}, is in the table already"
    if not re.fullmatch(r"[A-Z]{2}|int", row.region):
        return f"{row.host}: region {row.region!r} is neither a country's two letters nor 'int'"
    if row.checked != (row.evidence is not None):
        return f"{row.host}: checked says whether there is evidence"
    found = row.evidence
    if found is None:
        return None
    if not all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in (found.log, found.leaf)):
        return f"{row.host}: log and leaf are 64 lower-case hex digits each"
    return None if found.at.tzinfo is not None else f"{row.host}: the time has no zone"


class _Intermediates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    intermediates: tuple[PublicIntermediate, ...]


def load_public_intermediates(path: Path) -> tuple[PublicIntermediate, ...]:
    """Rows as scripts/make_public_intermediates.py writes them. Raises ConfigError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Intermediates).intermediates
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
    except NO_JSON as error:
        raise ConfigError(str(path), f"no intermediates: {error}") from None


def load_ct_logs(path: Path) -> dict[bytes, CTLog]:
    """CT logs by log id, from a list in Google's JSON schema v3. Raises ConfigError."""
    return load_log_list(path).logs


def load_log_list(path: Path) -> LogList:
    """A list that the user, or the product, vouches for. Raises ConfigError."""
    try:
        return parse_list(read_bounded(path, MAX_LIST + 1))
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
    except ListError as error:
        raise ConfigError(str(path), error.message, remedy=error.remedy) from None


def log_list_key() -> ListKey:
    """The key that signs the official list of CT logs."""
    return ListKey((DATA / "log_list_key.pem").read_bytes())
