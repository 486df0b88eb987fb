"""Intermediate CAs below public roots: which keys they have, and under which names.

A server that forgets its intermediate leaves a leaf that nobody can tell from a forged one, unless the
intermediate's key is known. And who calls a CA of their own by the name of a public one is caught by the
keys that are listed for that name, which no honest CA shares. CAs make new intermediates every month,
under new names as a rule: a key or a name that is not here means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from hashlib import sha256

import msgspec

from detector.chain.name_matching import as_read


class PublicIntermediate(msgspec.Struct, frozen=True, array_like=True):
    """One intermediate.

    Attributes:
        spki_sha256: its key, hex.
        name: of its subject (`name_digest`); empty where the source gives no subject.
        subject: the same for people.
        spki: the key itself (DER), where it is known.

    """

    spki_sha256: str
    name: str = ""
    subject: str = ""
    spki: bytes | None = None


class PublicIntermediates:
    """The list, read when it is first asked.

    Args:
        rows: gives it.

    """

    def __init__(self, rows: Callable[[], Iterable[PublicIntermediate]] = tuple) -> None:
        self._rows = rows

    def with_key(self, spki_sha256: str) -> PublicIntermediate | None:
        """The intermediate that has this key (SPKI SHA-256, hex)."""
        return self._by_key.get(spki_sha256)

    def named(self, name: bytes) -> tuple[PublicIntermediate, ...]:
        """Those whose subject is this name (DER), however it is written; none for a name that is not listed."""
        return self._by_name.get(name_digest(as_read(name)), ())

    def get(self, read: str, default: frozenset[str] = frozenset()) -> frozenset[str]:
        """All keys (SPKI SHA-256, hex) that are listed for a name as it is read (`name_matching.as_read`)."""
        found = self._by_name.get(name_digest(read))
        return default if found is None else frozenset(one.spki_sha256 for one in found)

    @cached_property
    def _by_key(self) -> dict[str, PublicIntermediate]:
        found: dict[str, PublicIntermediate] = {}
        for one in self._rows():
            before = found.get(one.spki_sha256)
            if before is None or (before.spki is None and one.spki is not None):
                found[one.spki_sha256] = one
        return found

    @cached_property
    def _by_name(self) -> dict[str, tuple[PublicIntermediate, ...]]:
        found: dict[str, tuple[PublicIntermediate, ...]] = {}
        for one in self._rows():
            if one.name:
                found[one.name] = (*found.get(one.name, ()), one)
        return found


def name_digest(read: str) -> str:
    """What the list is kept by: a digest of a name as it is read (`name_matching.as_read`), 32 hex digits."""
    return sha256(read.encode("utf-8", "surrogatepass")).hexdigest()[:32]
