"""The official list of CT logs: signed, dated, and never older than the one before.

Google signs the raw bytes with RSA-4096, PKCS#1 v1.5, SHA-256. The key is shipped, and pinned here by
its digest, so that a changed file of ours is noticed as well.
"""

from __future__ import annotations

import binascii
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from detector.chain.sct import CTLog
from detector.errors import ListError
from detector.model.no_json import NO_JSON

BASE = "https://www.gstatic.com/ct/log_list/v3/"
KEY_SHA256 = "f1d8b68e50210d8e73d9a3e97f571773c52d7f28c0b1a71beee81d8562e6fd85"
SIGNATURE_SIZE = 512
MAX_LIST = 4 << 20
_ENDED = ("readonly", "retired", "rejected")
STALE = timedelta(days=70)  # browsers stop enforcing CT with an older list


class ListKey(msgspec.Struct, frozen=True):
    """The key that must have signed a list: PEM, and the digest that it must have."""

    pem: bytes
    sha256: str = KEY_SHA256


class LogList(msgspec.Struct, frozen=True):
    """A list that can be used.

    Attributes:
        logs: by log id.
        timestamp: when it was made, aware UTC; None in hand-made lists.

    """

    logs: dict[bytes, CTLog]
    version: str
    timestamp: datetime | None

    def is_stale(self, at: datetime) -> bool:
        return self.timestamp is None or at - self.timestamp > STALE


def verify_list(body: bytes, signature: bytes, expected: ListKey) -> None:
    """Raises ListError unless `signature` is the expected key's over exactly `body`."""
    if len(body) > MAX_LIST:
        raise ListError(f"the list of CT logs has more than {MAX_LIST} bytes")
    key = load_der_public_key(_pinned(expected))
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        key.verify(signature, body, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        remedy = "the last good list is kept; fetch both files again"
        raise ListError("the list of CT logs is not signed by its key", remedy=remedy) from None


def parse_list(body: bytes) -> LogList:
    """A list in Google's schema v3; a log's id must be the digest of its key. Raises ListError."""
    try:
        found = msgspec.json.decode(body, type=_LogList)
    except NO_JSON as error:
        remedy = "give a file like Google's log_list.json"
        raise ListError(f"no list of CT logs: {error}", remedy=remedy) from None
    logs = (
        _known_log(operator.name, log)
        for operator in found.operators
        for log in (*operator.logs, *operator.tiled_logs)
    )
    by_id = {log.log_id: log for log in logs}
    return LogList(by_id, found.version, found.log_list_timestamp)


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


def _known_log(operator: str, log: _Log) -> CTLog:
    if sha256(log.key).digest() != log.log_id:
        raise ListError(f"{log.description}: log_id is not the SHA-256 of key")
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
        distrusted=change.timestamp if state in _ENDED else None,
        redacts="Deneb" in log.description,
        url=log.monitoring_url or log.url,
        tiled=bool(log.monitoring_url),
    )


def _pinned(expected: ListKey) -> bytes:
    lines = [line for line in expected.pem.split(b"\n") if not line.startswith(b"-----")]
    try:
        der = binascii.a2b_base64(b"".join(lines))
    except binascii.Error:
        der = b""
    if sha256(der).hexdigest() != expected.sha256:
        raise ListError("the key that should have signed the list of CT logs is another one")
    return der
