"""Pins: from `--pin host=sha256//BASE64` and from a TOML file.

[[pin]]
host = "example.com"       # or ".example.com" for it and everything below
spki = ["sha256//...="]    # leaf, intermediate or root; one of them must be on the path
expires = 2027-06-30       # optional
note = "why"               # optional
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from detector.errors import ConfigError
from detector.evidence.known import Pin
from detector.knowledge.hosts import host_pattern, key_digest
from detector.knowledge.rows import forbid_unknown, read_toml, row_line, rows_of


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    spki: tuple[str, ...]
    expires: date | None = None
    note: str = ""


def load_pins(path: Path) -> tuple[Pin, ...]:
    """Raises ConfigError with file and line."""
    data, text = read_toml(path)
    forbid_unknown(path, data, {"pin"})
    pins: list[Pin] = []
    for index, row in enumerate(rows_of(path, data, text, "pin", _Row, required=True)):
        line = row_line(text, "pin", index)
        if not row.spki:
            raise ConfigError(str(path), f"{row.host}: a pin needs at least one key", line=line)
        where = f"{path}:{line}"
        keys = tuple(key_digest(where, key) for key in row.spki)
        pins.append(Pin(host_pattern(path, row.host), keys, row.expires, row.note))
    return tuple(pins)


def parse_pin(text: str) -> Pin:
    """One `host=sha256//BASE64[,sha256//BASE64...]`. Raises ConfigError."""
    host, equals, keys = text.partition("=")
    if not equals or not host or not keys:
        raise ConfigError("--pin", f"{text!r} is not HOST=sha256//BASE64")
    digests = tuple(key_digest("--pin", key) for key in keys.split(","))
    return Pin(host_pattern(Path("--pin"), host), digests)
