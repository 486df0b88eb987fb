"""From a leaf to whom it really descends from.

Rules
-----
1. An edge of the path is a signature that verifies. Names (compared as RFC 5280 section 7.1 has it)
   and key identifiers only say where to look first.
2. Anchors of public programs are tried before roots that a program once had, those before local
   ones, and those before what the peer sent: a cross-signed chain is public if any of its ways is.
3. On the way to an anchor every issuer has the right to issue for what is below it
   (`detector.chain.issuing`): otherwise a genuine leaf could be used to mint others. An anchor keeps
   to the limits that its own certificate sets.
4. Certificates that the peer appended and that signed nothing on the path count for nothing.
5. At most MAX_CHAIN certificates and MAX_SIGNATURES checks, whatever a peer sends.

Whether a certificate is out of date by now is no part of the search: an expired honest chain is still
honest. `expired` says which certificates of the path are, and `lawful` lets no trust rest on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from detector.chain.anchors import ProgramRoots, TrustAnchors
from detector.chain.certificate import Certificate
from detector.chain.issuing import why_not, why_not_anchor
from detector.chain.name_matching import same_name
from detector.chain.signature import is_signed_by
from detector.errors import CertificateError

MAX_CHAIN = 100
MAX_DEPTH = 10
MAX_SIGNATURES = 64

PathKind = Literal["public", "local", "private", "incomplete", "self-signed"]


class Path(msgspec.Struct, frozen=True):
    """The best path found.

    Attributes:
        kind: "public" ends in a root that a public program has or had, "local" in one of this
            machine's own; "private" ends in a self-signed certificate nobody here knows;
            "self-signed" is a leaf that signed itself; "incomplete" ends where the issuer is missing
            or its signature does not hold.
        certificates: leaf first; the anchor last, when there is one.
        anchor_store: name of the store for public and local paths.

    """

    kind: PathKind
    certificates: tuple[Certificate, ...]
    anchor_store: str | None = None

    @property
    def leaf(self) -> Certificate:
        return self.certificates[0]

    @property
    def issuer(self) -> Certificate | None:
        """Who signed the leaf, None when unknown."""
        return self.certificates[1] if len(self.certificates) > 1 else None

    def lawful(self, host: str, at: datetime | None = None) -> tuple[Certificate, ...]:
        """The leaf, and above it every issuer up to the first that may not issue for `host` (rule 3),
        or that is out of date at `at`.

        Only on these may trust rest that somebody put into one of their keys: below any other
        stands a certificate whose owner was never given the right to name others, or has lost it. An
        anchor of a store is trusted as it is, and so is a self-signed root that says nothing on what
        it may.
        """
        for depth, issuer in enumerate(self.certificates[1:], 1):
            below = self.certificates[:depth]
            if (
                self.anchor_store is not None
            ):  # found so, and its anchor's dates are its store's matter
                last = depth == len(self.certificates) - 1
                barred = not last and _is_out_of_date(issuer, at)
            else:
                barred = _is_out_of_date(issuer, at) or (
                    why_not(issuer, below, host) is not None and not self._is_old_root(depth)
                )
            if barred:
                return below
        return self.certificates

    def _is_old_root(self, position: int) -> bool:
        end = self.certificates[-1]
        at_the_end = self.kind == "private" and position == len(self.certificates) - 1
        return at_the_end and end.extension("BC") is None and end.extension("KU") is None

    def expired(self, at: datetime) -> tuple[Certificate, ...]:
        """Issuers between leaf and anchor that are out of date at `at`."""
        return tuple(c for c in self.certificates[1:-1] if _is_out_of_date(c, at))


def build_path(
    chain: Sequence[Certificate],
    host: str,
    public: TrustAnchors,
    local: TrustAnchors | None = None,
    programs: ProgramRoots | None = None,
) -> Path:
    """The best path from `chain[0]`, helped by the other certificates that were sent.

    Args:
        chain: certificates as sent, leaf first, at least one.
        host: for name constraints; a DNS name or an IP literal.
        public: anchors of the public programs.
        local: this machine's own, asked only when no public path exists.
        programs: roots that a public program has or had, and that `public` may lack.

    """
    pool = list(dict.fromkeys(chain[1:MAX_CHAIN]))
    budget = [MAX_SIGNATURES]
    leaf = chain[0]
    stores: tuple[tuple[PathKind, TrustAnchors | None], ...] = (
        ("public", public),
        ("public", programs),
        ("local", local),
    )
    for kind, anchors in stores:
        if anchors is None:
            continue
        found = _to_anchor((leaf,), pool, anchors, host, budget)
        if found:
            return Path(kind, found, anchors.name)
    path = _as_far_as_it_goes(leaf, pool, budget)
    last = path[-1]
    if last.is_self_issued and is_signed_by(last, last.spki):
        return Path("self-signed" if len(path) == 1 else "private", path)
    return Path("incomplete", path)


def _to_anchor(
    path: tuple[Certificate, ...],
    pool: Sequence[Certificate],
    anchors: TrustAnchors,
    host: str,
    budget: list[int],
) -> tuple[Certificate, ...] | None:
    last = path[-1]
    # A root sent by the peer, or a leaf pinned as a root, is itself the anchor.
    if anchors.is_anchor(last, leaf=len(path) == 1):
        return path if len(path) == 1 or _is_within(last, path[:-1], host) else None
    for anchor in _anchors_of(last, anchors):
        if _signed(last, anchor, budget) and _is_within(anchor, path, host):
            return (*path, anchor)
    if len(path) >= MAX_DEPTH:
        return None
    for issuer in _issuers(last, pool, path):
        # What a certificate may costs more to find out than who signed, and the latter is counted.
        if not _signed(last, issuer, budget):
            continue
        trusted = anchors.is_anchor(issuer, leaf=False)  # asked as those of the store
        if not (trusted or why_not(issuer, path, host) is None):
            continue
        found = _to_anchor((*path, issuer), pool, anchors, host, budget)
        if found:
            return found
    return None


def _is_within(anchor: Certificate, below: Sequence[Certificate], host: str) -> bool:
    return why_not_anchor(anchor, below, host) is None


def _anchors_of(child: Certificate, anchors: TrustAnchors) -> Iterator[Certificate]:
    """Anchors that could have signed `child`: by name, then by key identifier."""
    named = anchors.named(child.issuer)
    yield from named
    wanted = child.authority_key_id
    if wanted:
        yield from (anchor for anchor in anchors.keyed(wanted) if anchor not in named)


def _as_far_as_it_goes(
    leaf: Certificate, pool: Sequence[Certificate], budget: list[int]
) -> tuple[Certificate, ...]:
    path: tuple[Certificate, ...] = (leaf,)
    while len(path) < MAX_DEPTH:
        last = path[-1]
        if last.is_self_issued and is_signed_by(last, last.spki):
            return path
        usable = (c for c in _issuers(last, pool, path) if not _denies_being_a_ca(c))
        signer = next((c for c in usable if _signed(last, c, budget)), None)
        if signer is None:
            return path
        path = (*path, signer)
    return path


def _issuers(
    child: Certificate, pool: Sequence[Certificate], used: tuple[Certificate, ...]
) -> list[Certificate]:
    """Certificates that could have signed `child`: by name, then by key identifier."""
    free = [c for c in pool if c not in used]
    named = [c for c in free if same_name(c.subject, child.issuer)]
    wanted = child.authority_key_id
    # A CA may have been renamed, or its name be written as no comparison sees through.
    keyed = [c for c in free if wanted and c.subject_key_id == wanted and c not in named]
    return named + keyed


def _signed(child: Certificate, issuer: Certificate, budget: list[int]) -> bool:
    if budget[0] <= 0:
        return False
    budget[0] -= 1
    return is_signed_by(child, issuer.spki)


def _denies_being_a_ca(issuer: Certificate) -> bool:
    """On a private path BasicConstraints may be missing, but must neither say no nor be broken."""
    try:
        constraints = issuer.basic_constraints
    except CertificateError:
        return True
    return constraints is not None and not constraints[0]


def _is_out_of_date(certificate: Certificate, at: datetime | None) -> bool:
    """Both ends are in; a certificate's last second counts to its end (RFC 5280 section 4.1.2.5)."""
    if at is None:
        return False
    return not certificate.not_before <= at.replace(microsecond=0) <= certificate.not_after
