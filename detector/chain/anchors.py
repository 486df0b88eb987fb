"""A set of trust anchors, found by name and used by key."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from functools import cached_property
from hashlib import sha256

from detector.chain.certificate import Certificate, split_pem
from detector.chain.name_matching import as_read, normalised
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

    @property
    def ders(self) -> tuple[bytes, ...]:
        """DER of each root, readable or not."""
        return self._certificates

    def __len__(self) -> int:
        return len(self._certificates)

    def named(self, subject: bytes) -> tuple[Certificate, ...]:
        """Anchors with this DER subject, however it is written, any number."""
        return self._by_subject.get(subject) or self._by_name.get(normalised(subject), ())

    def read_as(self, subject: bytes) -> tuple[Certificate, ...]:
        """Anchors that a person would take for this DER subject, in whatever order it is written."""
        return self._by_reading.get(as_read(subject), ())

    def keyed(self, key_id: bytes) -> tuple[Certificate, ...]:
        """Anchors whose certificate bears this key identifier."""
        return self._by_key_id.get(key_id, ())

    def is_anchor(self, certificate: Certificate, *, leaf: bool) -> bool:
        """Whether a certificate that was sent is itself an anchor: the very one where it is the
        leaf, else any of that name and key.
        """
        if leaf:
            return certificate in self._by_subject.get(certificate.subject, ())
        return any(anchor.spki == certificate.spki for anchor in self.named(certificate.subject))

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
        return _index((anchor.subject, anchor) for anchor in self.certificates)

    @cached_property
    def _by_name(self) -> dict[str, tuple[Certificate, ...]]:
        return _index((normalised(anchor.subject), anchor) for anchor in self.certificates)

    @cached_property
    def _by_reading(self) -> dict[str, tuple[Certificate, ...]]:
        return _index((as_read(anchor.subject), anchor) for anchor in self.certificates)

    @cached_property
    def _by_key_id(self) -> dict[bytes, tuple[Certificate, ...]]:
        return _index((anchor.subject_key_id or b"", anchor) for anchor in self.certificates)

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(anchor.spki_sha256 for anchor in self.certificates)


def _index[K](items: Iterable[tuple[K, Certificate]]) -> dict[K, tuple[Certificate, ...]]:
    index: dict[K, tuple[Certificate, ...]] = {}
    for key, anchor in items:
        index[key] = (*index.get(key, ()), anchor)
    return index


class ProgramRoots(TrustAnchors):
    """Roots that a public program has or had, known by digest alone.

    The certificates are those of `stores` and `past` that are listed and that `beside` lacks; further ones are
    recognised when a peer sends them.

    Args:
        listed: gives the digests (SHA-256 of the certificate, hex); asked when first needed.
        stores: where certificates may be, this machine's own store as a rule.
        beside: anchors that were tried before, so that they need not be here too.
        past: gives certificates (DER) that come along; asked when first needed.

    """

    def __init__(
        self,
        listed: Callable[[], Container[str]],
        stores: TrustAnchors | None = None,
        beside: TrustAnchors | None = None,
        past: Callable[[], Iterable[bytes]] = tuple,
    ) -> None:
        super().__init__((), "roots that public programs have or had")
        self._past = past
        self._listed = listed
        self._stores = stores
        self._beside = beside

    def is_anchor(self, certificate: Certificate, *, leaf: bool = False) -> bool:  # noqa: ARG002
        """Whether it is listed. A list of digests says nothing of usages, but a root may itself."""
        return certificate.sha256 in self._listed() and certificate.may_serve_tls

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        tried = set(self._beside.ders) if self._beside is not None else set()
        listed = self._listed()
        found = TrustAnchors(
            (
                data
                for data in (
                    *(self._stores.ders if self._stores is not None else ()),
                    *self._past(),
                )
                if data not in tried and sha256(data).hexdigest() in listed
            ),
            self.name,
        )
        usable = (root for root in found.certificates if root.may_serve_tls)
        # Of a root that was renewed under its key the one that lasts longest excuses most.
        return tuple(sorted(usable, key=lambda root: root.not_after, reverse=True))

    def but(self, digests: frozenset[str]) -> ProgramRoots:
        """The same, but for some of the listed."""
        kept = _But(self._listed, digests)
        return ProgramRoots(lambda: kept, self._stores, self._beside, self._past)


class _But(Container[str]):
    def __init__(self, listed: Callable[[], Container[str]], left_out: frozenset[str]) -> None:
        self._listed, self._left_out = listed, left_out

    def __contains__(self, digest: object) -> bool:
        return digest not in self._left_out and digest in self._listed()


class SelectedRoots(TrustAnchors):
    """Those of a store whose digest (SHA-256 of the certificate, hex) is wanted; asked when first needed."""

    def __init__(self, store: TrustAnchors, wanted: Callable[[str], bool]) -> None:
        super().__init__((), store.name)
        self._store = store
        self._wanted = wanted

    @property
    def ders(self) -> tuple[bytes, ...]:
        return tuple(root.der for root in self.certificates)

    def __len__(self) -> int:
        return len(self.certificates)

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        return tuple(c for c in self._store.certificates if self._wanted(c.sha256))


def without(store: TrustAnchors, digests: frozenset[str]) -> TrustAnchors:
    """The same store, but for some roots."""
    if isinstance(store, ProgramRoots):
        return store.but(digests)
    return SelectedRoots(store, lambda digest: digest not in digests)
