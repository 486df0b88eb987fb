"""Host patterns and key digests as people write them."""

from __future__ import annotations

import binascii
import re
from pathlib import Path

from detector.errors import ConfigError, TargetError
from detector.known.hosts import HostPattern
from detector.model.targets import normal_host


def host_pattern(path: Path, text: str) -> HostPattern:
    """A pattern of a file, normalised. Raises ConfigError."""
    if text == "*":
        return HostPattern("*")
    lead = "*." if text.startswith("*.") else "." if text.startswith(".") else ""
    try:
        return HostPattern(lead + normal_host(text[len(lead) :]))
    except TargetError as error:
        raise ConfigError(str(path), error.message) from None


def key_digest(where: str, text: str) -> str:
    """Hex of a SPKI SHA-256 written as sha256//BASE64 (curl), sha256/BASE64 or 64 hex digits.

    Raises ConfigError.
    """
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        return text.lower()
    found = re.fullmatch(r"sha256//?([A-Za-z0-9+/]{43}=)", text)
    if not found:
        remedy = "write sha256//BASE64 of the key's SHA-256, or 64 hex digits"
        raise ConfigError(where, f"{text!r} is no key digest", remedy=remedy)
    return binascii.a2b_base64(found[1]).hex()
