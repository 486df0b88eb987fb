"""A set of trust anchors, found by name and used by key."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from detector.chain.certificate import Certificate, split_pem
from detector.errors import CertificateError


class TrustAnchors:
    """Roots of one store.

    Args:
        certificates: DER of each root; unreadable ones are counted in `skipped` and left out.
        name: where they come from, for texts, e.g. "certifi 2026.10.18".

    """

    def __init__(self, certificates: Iterable[bytes], name: str) -> None:
        self.name = name
        self._certificates = tuple(certificates)
        self.skipped = 0

    @classmethod
    def from_pem(cls, pem: bytes, name: str) -> TrustAnchors:
        """Roots of a PEM bundle. Raises CertificateError when a block is not base64."""
        return cls(split_pem(pem), name)

    def __len__(self) -> int:
        return len(self._certificates)

    def named(self, subject: bytes) -> tuple[Certificate, ...]:
        """Anchors with this DER subject, any number."""
        return self._by_subject.get(subject, ())

    def has_key(self, spki_sha256: str) -> bool:
        return spki_sha256 in self._keys

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        found: list[Certificate] = []
        for data in self._certificates:
            try:
                found.append(Certificate(data))
            except CertificateError:
                self.skipped += 1
        return tuple(found)

    @cached_property
    def _by_subject(self) -> dict[bytes, tuple[Certificate, ...]]:
        index: dict[bytes, tuple[Certificate, ...]] = {}
        for anchor in self.certificates:
            index[anchor.subject] = (*index.get(anchor.subject, ()), anchor)
        return index

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(anchor.spki_sha256 for anchor in self.certificates)
