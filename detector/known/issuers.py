"""Which issuers public logs know for a host, as values and as the question the rules ask."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import msgspec

from detector.known.hosts import HostPattern


class KnownIssuers(msgspec.Struct, frozen=True):
    """Issuers with unexpired, publicly logged certificates for a host.

    Attributes:
        spki: their keys (SPKI SHA-256, hex).
        names: their common names, from sources that give no keys.
        exact: some certificate names the host itself, not only a wildcard above it.
        complete: the source was read to its end.
        fetched: when the source was asked, None for a file that does not say.
        until: when the answer becomes stale, None for never.

    """

    host: HostPattern
    spki: frozenset[str] = frozenset()
    source: str = ""
    names: frozenset[str] = frozenset()
    exact: bool = True
    complete: bool = True
    fetched: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        """Whether any issuer is known; a host that no log knows has none."""
        return bool(self.spki or self.names)


class IssuerSource(Protocol):
    """Anything that can be asked about a host: a file's table, the store."""

    def find(self, host: str) -> KnownIssuers | None:
        """What is known, None when nothing was ever looked up. Never raises."""


class IssuerTable:
    """Rows of a file, found by host however many there are."""

    def __init__(self, rows: Iterable[KnownIssuers]) -> None:
        self.rows = tuple(rows)
        self._index: dict[str, list[KnownIssuers]] = {}
        for row in self.rows:
            self._index.setdefault(row.host.text, []).append(row)

    def find(self, host: str) -> KnownIssuers | None:
        found: list[KnownIssuers] = []
        for pattern in _patterns(host):
            found += self._index.get(pattern, ())
        return merged(found)


def merged(found: list[KnownIssuers]) -> KnownIssuers | None:
    """Everything that several sources know, as old as the oldest of them; None for none."""
    if len(found) < 2:
        return found[0] if found else None
    return KnownIssuers(
        host=found[0].host,
        spki=frozenset().union(*(entry.spki for entry in found)),
        source=", ".join(dict.fromkeys(entry.source for entry in found)),
        names=frozenset().union(*(entry.names for entry in found)),
        exact=any(entry.exact for entry in found),
        complete=all(entry.complete for entry in found),
        fetched=min((e.fetched for e in found if e.fetched), default=None),
        until=min((e.until for e in found if e.until), default=None),
    )


def _patterns(host: str) -> Iterable[str]:
    """Texts of all patterns that could match `host`."""
    yield host
    yield f".{host}"
    parent, wildcard = host.partition(".")[2], True
    while parent:
        if wildcard:
            yield f"*.{parent}"
        yield f".{parent}"
        parent, wildcard = parent.partition(".")[2], False
    yield "*"
