"""From a leaf to whom it really descends from.

Rules
-----
1. An edge of the path is a signature that verifies. Names only say where to look first.
2. Anchors of public programs are tried before roots that a program once had, those before local
   ones, and those before what the peer sent: a cross-signed chain is public if any of its ways is.
3. On a public path every issuer is a CA (RFC 5280 section 4.2.1.9), may sign certificates, may
   issue for servers, keeps its path length, and its name constraints admit the host: otherwise a
   genuine leaf could be used to mint others.
4. Certificates that the peer appended and that signed nothing on the path count for nothing.
5. At most MAX_CHAIN certificates and MAX_SIGNATURES checks, whatever a peer sends.

Validity dates are no part of the search: an expired honest chain is still honest. `expired` says
which certificates of the path were out of date.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from detector.chain import der
from detector.chain.anchors import ProgramRoots, TrustAnchors
from detector.chain.certificate import Certificate
from detector.chain.names import is_below
from detector.chain.signature import is_signed_by
from detector.errors import CertificateError

MAX_CHAIN = 100
MAX_DEPTH = 10
MAX_SIGNATURES = 64

PathKind = Literal["public", "local", "private", "incomplete", "self-signed"]
Refusal = Literal["not-a-ca", "key-usage", "path-length", "usage", "name-constraint", "unreadable"]


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

    def lawful(self, host: str) -> tuple[Certificate, ...]:
        """The leaf, and above it every issuer up to the first that may not issue for `host` (rule 3).

        Only on these may trust rest that somebody put into one of their keys: below any other
        stands a certificate whose owner was never given the right to name others. An anchor of a
        store is trusted as it is, and so is a self-signed root that says nothing on what it may.
        """
        if self.anchor_store is not None:
            return self.certificates  # found so
        for depth, issuer in enumerate(self.certificates[1:], 1):
            if why_not(issuer, depth, host) is not None and not self._is_old_root(depth):
                return self.certificates[:depth]
        return self.certificates

    def _is_old_root(self, position: int) -> bool:
        end = self.certificates[-1]
        at_the_end = self.kind == "private" and position == len(self.certificates) - 1
        return at_the_end and end.extension("BC") is None and end.extension("KU") is None

    def expired(self, at: datetime) -> tuple[Certificate, ...]:
        """Issuers between leaf and anchor that are out of date at `at`."""
        return tuple(c for c in self.certificates[1:-1] if not c.not_before <= at <= c.not_after)


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
        return path
    for anchor in anchors.named(last.issuer):
        if _signed(last, anchor, budget):
            return (*path, anchor)
    if len(path) >= MAX_DEPTH:
        return None
    for issuer in _issuers(last, pool, path):
        trusted = anchors.is_anchor(issuer, leaf=False)  # asked nothing, as those of the store
        if not (trusted or _may_issue(issuer, len(path), host)):
            continue
        if not _signed(last, issuer, budget):
            continue
        found = _to_anchor((*path, issuer), pool, anchors, host, budget)
        if found:
            return found
    return None


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
    named = [c for c in free if c.subject == child.issuer]
    wanted = child.authority_key_id
    # The same name in another string encoding compares unequal as DER (RFC 5280 section 7.1).
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


def _may_issue(issuer: Certificate, below: int, host: str) -> bool:
    """Rule 3. `below` is the number of certificates under `issuer`, the leaf included."""
    return why_not(issuer, below, host) is None


def why_not(issuer: Certificate, below: int, host: str) -> Refusal | None:
    """Why `issuer` may not stand above `below` certificates for `host`, None when it may."""
    try:
        constraints = issuer.basic_constraints
        if constraints is None or not constraints[0]:
            return "not-a-ca"
        if not issuer.may_sign_certificates:
            return "key-usage"
        if constraints[1] is not None and below - 1 > constraints[1]:
            return "path-length"
        if not issuer.may_serve_tls:
            return "usage"
        return None if _constraints_admit(issuer, host) else "name-constraint"
    except CertificateError:
        return "unreadable"


def _constraints_admit(issuer: Certificate, host: str) -> bool:
    """Name constraints on DNS names and addresses (RFC 5280 section 4.2.1.10)."""
    value = issuer.extension("NC")
    if value is None:
        return True
    start, stop = der.expect(value, 0, len(value), der.SEQUENCE, "name constraints")
    for tag, first, last in der.children(value, start, stop):
        subtrees = [_base(value, a, b) for _, a, b in der.children(value, first, last)]
        relevant = [m for m in (_within(host, *subtree) for subtree in subtrees) if m is not None]
        permitted = tag == 0xA0
        if permitted and relevant and not any(relevant):
            return False
        if not permitted and any(relevant):
            return False
    return True


def _base(value: bytes, at: int, end: int) -> tuple[int, bytes]:
    tag, start, stop = der.element(value, at, end)
    return tag, value[start:stop]


def _within(host: str, tag: int, base: bytes) -> bool | None:
    """Whether `host` is in the subtree; None when the subtree is of another kind of name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if tag != 0x82:
            return None
        suffix = base.decode("latin-1").lower().lstrip(".")
        return not suffix or is_below(host, suffix)
    if tag != 0x87 or len(base) != 2 * len(address.packed):
        return None
    half = len(base) // 2
    mask = base[half:]
    return all(a & m == n & m for a, n, m in zip(address.packed, base[:half], mask, strict=True))
