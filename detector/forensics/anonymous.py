"""Addresses and names replaced, the same ones always by the same: to show a report to strangers.

What is replaced: IP addresses, host names, the names in certificates, and their digests, which would let
anybody look the certificates up. Times, ports, versions, causes and counts stay.
"""

from __future__ import annotations

import hmac
import re
from ipaddress import ip_address
from typing import Any

_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}\]?)(?!\w|\.\w)"
)
_NAME = re.compile(r"(?<![\w@/.-])(?:\*\.)?(?:[\w-]+\.)+(?:xn--[\w-]+|[A-Za-z]{2,18})(?![\w-])")
# Attributes of names as certificates show them, those without a short name by their number.
_DN = re.compile(
    r"\b(CN|OU?|L|ST|DC|UID|email|emailAddress|serialNumber|street|\d{1,9}(?:\.\d{1,9}){2,9})=((?:[^,;\\]|\\.)+)"
)
_NAMES_KEPT = frozenset(("schema", "ja3", "ja3s", "ja4", "cipher", "version"))
_DIGESTS = frozenset(("sha256", "spki_sha256", "issuer_spki_sha256"))
_NAMED = frozenset(("sni", "name", "host", "names"))
_PLACES = frozenset(("target", "via"))  # host:port
_PORT = re.compile(r":\d{1,5}$")
# Names that are no host names by their look are found again by the text that they are.
_WORD = re.compile(r"[\w*.-]+")
_MAX_ODD = 256
_WHOLE = frozenset(("subject", "issuer", "agent", "product"))


class Anonymizer:
    """Replaces consistently for as long as it lives.

    Args:
        secret: bytes that nobody else knows; digests depend on them.

    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._addresses: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._odd: dict[str, str] = {}

    def learn(self, value: Any, key: str = "") -> None:
        """Take in the names of a JSON-ready value, so that sentences beside them are rid of them, too."""
        if isinstance(value, dict):
            for name, inner in value.items():
                self.learn(inner, name)
        elif isinstance(value, list | tuple):
            for inner in value:
                self.learn(inner, key)
        elif isinstance(value, str) and value and key in _NAMED | _PLACES:
            name = _PORT.sub("", value) if key in _PLACES else value
            if not _ADDRESS.fullmatch(name):
                self.name(name)

    def value(self, value: Any, key: str = "") -> Any:
        """A JSON-ready value with everything in it replaced."""
        if isinstance(value, dict):
            if not key:
                self.learn(value)
            return {name: self.value(inner, name) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner, key) for inner in value]
        if not isinstance(value, str) or key in _NAMES_KEPT:
            return value
        if key in _DIGESTS:
            return hmac.digest(self._secret, value.encode(), "sha256").hex()
        if key in _WHOLE:
            return self.text(_DN.sub(lambda m: f"{m[1]}={self.name(m[2])}", value))
        if key in _NAMED:
            return self.name(value) if not _ADDRESS.fullmatch(value) else self.address(value)
        if key in _PLACES and (port := _PORT.search(value)) is not None:
            host = value[: port.start()]
            made = self.address(host) if _ADDRESS.fullmatch(host) else self.name(host)
            return f"{made}{port[0]}"
        return self.text(value)

    def text(self, text: str) -> str:
        """A sentence with names and addresses replaced."""
        for odd, made in self._odd.items():
            text = text.replace(odd, made)
        text = _WORD.sub(self._known, text)
        text = _DN.sub(lambda m: f"{m[1]}={self.name(m[2])}", text)
        text = _ADDRESS.sub(lambda m: self.address(m[0]), text)
        return _NAME.sub(lambda m: self.name(m[0]), text)

    def _known(self, word: re.Match[str]) -> str:
        bare = word[0].rstrip(".")  # the end of a sentence
        made = self._names.get(bare.casefold())
        return word[0] if made is None else made + word[0][len(bare) :]

    def address(self, text: str) -> str:
        """From the ranges for documentation and tests (RFC 2544, RFC 3849)."""
        bare = text.strip("[]")
        try:
            version = ip_address(bare).version
        except ValueError:
            return text
        found = self._addresses.get(bare)
        if found is None:
            number = len(self._addresses) + 1
            if version == 4:
                found = f"198.{18 + (number >> 16 & 1)}.{number >> 8 & 255}.{number & 255}"
            else:
                found = f"2001:db8::{number:x}"
            self._addresses[bare] = found
        return f"[{found}]" if text.startswith("[") else found

    def name(self, text: str) -> str:
        """One name; what was made here is left as it is."""
        folded = text.casefold()
        if folded.endswith(".anonymous.invalid"):
            return text
        found = self._names.get(folded)
        if found is None:
            found = self._names[folded] = f"name-{len(self._names) + 1}.anonymous.invalid"
            if not _WORD.fullmatch(text) and len(text) > 2 and len(self._odd) < _MAX_ODD:
                self._odd[text] = found
        return found
