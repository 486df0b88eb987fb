"""Pins: from `--pin host[:port]=sha256//BASE64` and from a TOML file.

[[pin]]
host = "example.com"        # or ".example.com" for it and everything below
port = 8443                 # optional: for this port only; else for all that have no pin of their own
spki = ["sha256//...="]     # leaf, intermediate or root; one of them must be on the path
backup = ["sha256//...="]   # optional: keys not yet in use
issuers = ["sha256//...="]  # optional: CA keys; one of them must be above the leaf
owners = ["Let's Encrypt"]  # optional: the same by CA owner, as CCADB names it
expires = 2027-06-30        # optional
note = "why"                # optional
[pin.learned]               # written by `tlsight pins learn`
at = 2026-11-23T09:00:00Z
leaf = "sha256//...="
"""

from __future__ import annotations

from binascii import a2b_hex, b2a_base64
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from detector.errors import ConfigError, TargetError
from detector.knowledge.hosts import host_pattern, key_digest
from detector.knowledge.rows import forbid_unknown, read_toml, row_line, rows_of
from detector.known.knowledge import Pin, PinOrigin
from detector.model.targets import split_port


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    spki: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    expires: date | None = None
    note: str = ""
    learned: PinOrigin | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None


def load_pins(path: Path) -> tuple[Pin, ...]:
    """Raises ConfigError with file and line."""
    data, text = read_toml(path)
    forbid_unknown(path, data, {"pin"})
    pins: list[Pin] = []
    for index, row in enumerate(rows_of(path, data, text, "pin", _Row, required=True)):
        line = row_line(text, "pin", index)
        if not (row.spki or row.backup or row.issuers or row.owners):
            raise ConfigError(str(path), f"{row.host}: a pin needs at least one key", line=line)
        pins.append(_pin(path, line, row))
    return tuple(pins)


def parse_pin(text: str) -> Pin:
    """One `host[:port]=sha256//BASE64[,sha256//BASE64...]`. Raises ConfigError."""
    place, equals, keys = text.partition("=")
    if not equals or not place or not keys:
        raise ConfigError("--pin", f"{text!r} is not HOST=sha256//BASE64")
    digests = tuple(key_digest("--pin", key) for key in keys.split(","))
    try:
        host, port = split_port(place)
    except TargetError as error:
        raise ConfigError("--pin", error.message) from None
    return Pin(host_pattern(Path("--pin"), host), digests, port=port)


def curl_digest(spki_sha256: str) -> str:
    """A key digest as curl and the pin file write it: sha256//BASE64."""
    return f"sha256//{base64_digest(spki_sha256)}"


def base64_digest(spki_sha256: str) -> str:
    return b2a_base64(a2b_hex(spki_sha256), newline=False).decode()


def _pin(path: Path, line: int | None, row: _Row) -> Pin:
    where = f"{path}:{line}"

    def digests(keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(key_digest(where, key) for key in keys)

    learned = row.learned
    if learned is not None:
        learned = PinOrigin(
            _aware(learned.at),
            key_digest(where, learned.leaf),
            key_digest(where, learned.issuer) if learned.issuer else None,
            learned.issuer_name,
            _aware(learned.not_after) if learned.not_after else None,
            learned.anchor,
        )
    return Pin(
        host_pattern(path, row.host), digests(row.spki), row.expires, row.note,
        digests(row.backup), digests(row.issuers), row.owners, learned, row.port,
    )  # fmt: skip


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
