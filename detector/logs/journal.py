"""systemd's journal, as `journalctl -o export` and `-o json` write it, turned into lines of a syslog.

Source: https://systemd.io/JOURNAL_EXPORT_FORMATS/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from detector.model.no_json import NO_JSON

_WANTED = (b"__REALTIME_TIMESTAMP", b"SYSLOG_IDENTIFIER", b"_COMM", b"_PID", b"MESSAGE")
_MAX_FIELD = 1 << 20


def looks_like(start: bytes) -> bool:
    return start.startswith((b"__CURSOR=", b"__REALTIME_TIMESTAMP=")) or (
        start[:1] == b"{" and b'"__REALTIME_TIMESTAMP"' in start[:4096]
    )


def as_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of syslog lines with ISO times."""
    carry = b""
    for block in blocks:
        data = carry + block
        if data[:1] == b"{":
            carry = b""
            lines = [_from_json(line) for line in data.splitlines()]
        else:
            cut = data.rfind(b"\n\n")
            if cut < 0 and len(data) < _MAX_FIELD:
                carry = data
                continue
            carry = data[cut + 2 :] if cut >= 0 else b""
            lines = [
                _from_export(entry) for entry in data[: cut if cut >= 0 else None].split(b"\n\n")
            ]
        yield b"".join(line for line in lines if line)
    if carry:
        yield _from_export(carry)


def _from_export(entry: bytes) -> bytes:
    fields: dict[bytes, bytes] = {}
    at = 0
    while at < len(entry):
        end = entry.find(b"\n", at)
        end = len(entry) if end < 0 else end
        name, equals, value = entry[at:end].partition(b"=")
        at = end + 1
        if not equals and at + 8 <= len(entry):  # a binary field: its length, then its bytes
            size = int.from_bytes(entry[at : at + 8], "little")
            if size > _MAX_FIELD:
                break
            value = entry[at + 8 : at + 8 + size]
            at += 9 + size
        if name in _WANTED:
            fields[name] = value
    return _line(fields)


def _from_json(line: bytes) -> bytes:
    try:
        found = msgspec.json.decode(line)
    except NO_JSON:
        return b""
    if not isinstance(found, dict):
        return b""
    fields: dict[bytes, bytes] = {}
    for name in _WANTED:
        value = found.get(name.decode())
        if isinstance(value, list) and all(isinstance(n, int) and 0 <= n < 256 for n in value):
            value = bytes(value).decode("utf-8", "replace")
        if isinstance(value, str):
            fields[name] = value.encode()
    return _line(fields)


def _line(fields: dict[bytes, bytes]) -> bytes:
    message = fields.get(b"MESSAGE", b"").replace(b"\n", b" ")
    try:
        at = datetime.fromtimestamp(int(fields[b"__REALTIME_TIMESTAMP"]) / 1e6, UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return b""
    name = fields.get(b"SYSLOG_IDENTIFIER") or fields.get(b"_COMM", b"unknown")
    head = f"{at:%Y-%m-%dT%H:%M:%S.%f}+00:00 journal ".encode()
    return head + name + b"[" + fields.get(b"_PID", b"0") + b"]: " + message + b"\n"
