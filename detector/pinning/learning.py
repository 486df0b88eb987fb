"""A pin from an observation, and its place in the pin file, whose comments and order stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, String, StringType, Table, Trivia

from detector.errors import ConfigError
from detector.evidence.examination import Examination
from detector.known.hosts import HostPattern
from detector.known.knowledge import Pin, PinOrigin
from detector.model.targets import HTTPS_PORT

DigestText = Callable[[str], str]
Key = Literal["leaf", "issuer"]


def learned_pin(seen: Examination, key: Key, *, note: str = "", expires: date | None = None) -> Pin:
    """The pin for what was seen. Raises ConfigError where there is no issuer to pin."""
    issuer = seen.issuer
    if key == "issuer" and issuer is None:
        raise ConfigError("pins learn", f"{seen.host}: the issuer was not sent")
    digest = seen.leaf.spki_sha256
    if key == "issuer" and issuer is not None:
        digest = issuer.spki_sha256
    learned = PinOrigin(
        at=seen.observation.at,
        leaf=seen.leaf.spki_sha256,
        issuer=seen.issuer_spki_sha256,
        issuer_name=", ".join(seen.leaf.issuer_fields.get("CN", [])),
        not_after=seen.leaf.not_after,
        anchor=seen.path.certificates[-1].sha256 if seen.path.anchor_store else None,
    )
    port = seen.observation.target.port
    return Pin(HostPattern(seen.host), (digest,), expires, note, learned=learned, port=port)


def with_pin(text: str, pin: Pin, digest_text: DigestText) -> str:
    """The pin file's text with `pin` in it, in place of the one for the same host and port.

    A pin without a port, as earlier versions learned them, counts as one of HTTPS's port and stays without.
    What a person added to the old pin stays: backup keys other than the learned one, issuers,
    owners, note and expiry. Raises ConfigError for a text that is no TOML.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError("pin file", str(error)) from None
    if "pin" not in document:
        document.append("pin", tomlkit.aot())
    rows = document["pin"]
    if not isinstance(rows, AoT):
        raise ConfigError("pin file", "no [[pin]] rows")
    row = _row_of(rows, pin)
    if row is None:
        row = tomlkit.table()
        row["host"] = pin.host.text
        if pin.port is not None:
            row["port"] = pin.port
        _fill(row, pin, digest_text)
        rows.append(row)
    else:
        _fill(row, pin, digest_text)
    return tomlkit.dumps(document)


def _row_of(rows: AoT, pin: Pin) -> Table | None:
    same = [row for row in rows if str(row.get("host", "")) == pin.host.text]
    exact = next((row for row in same if row.get("port") == pin.port), None)
    if exact is not None or pin.port != HTTPS_PORT:
        return exact
    return next((row for row in same if "port" not in row), None)


def _fill(row: Table, pin: Pin, digest_text: DigestText) -> None:
    row["spki"] = [digest_text(key) for key in pin.spki]
    if "backup" in row:
        row["backup"] = [k for k in row["backup"] if k not in row["spki"]]
    if pin.expires is not None:
        row["expires"] = pin.expires
    if pin.note:
        row["note"] = visible(pin.note)
    learned = pin.learned
    assert learned is not None
    table = tomlkit.table()
    table["at"] = learned.at
    table["leaf"] = digest_text(learned.leaf)
    if learned.issuer is not None:
        table["issuer"] = digest_text(learned.issuer)
    if learned.issuer_name:
        table["issuer_name"] = visible(learned.issuer_name)
    if learned.not_after is not None:
        table["not_after"] = learned.not_after
    if learned.anchor is not None:
        table["anchor"] = learned.anchor
    row["learned"] = table


def visible(text: str) -> String:
    """A basic string in which what an editor would not show, or shows as something else, is escaped."""
    text = text.encode("utf-8", "replace").decode()  # bytes of a command line that are no text
    escapes = {'"': '\\"', "\\": "\\\\"}
    shown = (escapes.get(c, c) if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
    return String(StringType.SLB, text, "".join(shown), Trivia())
