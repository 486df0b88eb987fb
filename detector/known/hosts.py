"""Host patterns, as pins, policies and tables write them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class HostPattern(msgspec.Struct, frozen=True):
    """A host name, or many: "example.com" that name; ".example.com" it and all below; "*.example.com" one label; "*" all.

    `text` is lower-case A-labels without trailing dot.
    """

    text: str

    def matches(self, host: str) -> bool:
        text = self.text
        if text == "*":
            return True
        if text.startswith("*."):
            label, _, rest = host.partition(".")
            return bool(label) and rest == text[2:]
        if text.startswith("."):
            return host == text[1:] or host.endswith(text)
        return host == text


def any_matches(patterns: Sequence[HostPattern], host: str) -> bool:
    return any(pattern.matches(host) for pattern in patterns)
