"""Which roots a public program ever had for servers, and which leaves each of them still excuses.

Rules
-----
1. A root is one certificate, known by its digest; a name or a key makes nobody public.
2. A root that some program has today is public. One that all have dropped was public once, and excuses a
   leaf that was issued while it was: until its end, whenever that leaf is shown.
3. Of ends a distrust counts as soon as browsers agree on it, for other programs follow late. Where one
   browser alone distrusts a root, it stays public (`elsewhere`).
4. A root with a key of 1024 bits, and a path with a signature by MD5 or older, excuse nothing once these
   had been given up: anybody with a budget could be on such a path.
5. "Cannot tell" is an answer: between the last list that has a root and the first that lacks it, and
   where no list tells of its end.

When a leaf was issued it says itself, and a forger writes what he likes: rule 2 rests on the programs
having taken care that nobody holds an old root's key. Where a browser asks for the time of the earliest
SCT instead, that counts, if one verifies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from detector.chain.certificate import Certificate
from detector.chain.signature import public_key, signature_hash

EndKind = Literal["expired", "replaced", "distrusted", "removed", "unknown"]
Standing = Literal[
    "public",  # a program has it, or some browser still does
    "once-public",  # none has it, but some had when the leaf was issued
    "ended",  # none had it any more when the leaf was issued, or it is weak
    "unknown",  # nobody can tell whether one had
]

# CA/Browser Forum, Baseline Requirements 1.0 appendix A: no RSA key below 2048 bits after 2013.
_SHORT_KEYS_END = datetime(2014, 1, 1, tzinfo=UTC)
# Mozilla took no signature by MD5 from that day on: https://wiki.mozilla.org/CA:MD5and1024
_MD5_ENDS = datetime(2011, 6, 30, tzinfo=UTC)
_LEAST_BITS = 2048
# 1.2.840.113549.1.1.2 to .4, RSA over MD2, MD4 and MD5: what a certificate so signed must hold.
_OLD_SIGNATURE = re.compile(rb"\x2a\x86\x48\x86\xf7\x0d\x01\x01[\x02-\x04]")


class RootEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How some roots ended.

    Attributes:
        roots: SHA-256 of the certificates, hex.
        source: who says so.
        owner: of the CA, where it is a matter of the owner.
        by: what tells when a leaf was issued: its notBefore, or its earliest valid SCT.
        seen: a leaf issued until that day is excused.
        until: one issued after that day is not; None where nobody knows. Without `seen` it is both.
        elsewhere: programs that go on trusting it without a date, as far as their lists tell.

    """

    kind: EndKind
    source: str
    roots: tuple[str, ...]
    owner: str = ""
    by: Literal["not-before", "sct"] = "not-before"
    seen: date | None = None
    until: date | None = None
    elsewhere: tuple[str, ...] = ()


class RootTable:
    """The table.

    Args:
        names: of all roots, by SHA-256 of the certificate, hex.
        ends: of those that ended.
        made: the day of the newest list in it: it cannot know what was added later.

    """

    def __init__(self, names: Mapping[str, str], ends: Sequence[RootEnd], made: date) -> None:
        self.names = names
        self.made = made
        self._ends = {digest: end for end in ends for digest in end.roots}

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self.names

    def __len__(self) -> int:
        return len(self.names)

    def end(self, sha256: str) -> RootEnd | None:
        """How a root ended, None when it did not."""
        return self._ends.get(sha256)

    def standing(
        self,
        below: Sequence[Certificate],
        root: Certificate,
        at: datetime,
        logged: datetime | None = None,
    ) -> Standing:
        """What a path to a listed root was worth when its leaf was issued.

        Args:
            below: leaf first; the root itself where nothing stands below it.
            root: as the table lists it.
            at: when the path was observed.
            logged: the earliest valid SCT of the leaf, where one is known.

        """
        if at >= _MD5_ENDS and any(_is_signed_by_md5(one) for one in below):
            return "ended"
        if at >= _SHORT_KEYS_END and _has_short_key(root):
            return "ended"
        end = self._ends.get(root.sha256)
        if end is None or end.elsewhere:
            return "public"
        issued = logged if end.by == "sct" and logged is not None else below[0].not_before
        return _standing(end, issued.date(), root.not_after.date())


def _standing(end: RootEnd, issued: date, expires: date) -> Standing:
    if issued > expires:
        return "ended"
    if end.kind == "expired" or issued <= (end.seen or end.until or date.min):
        return "once-public"
    return "ended" if end.until is not None and issued > end.until else "unknown"


def _has_short_key(root: Certificate) -> bool:
    key = public_key(root.spki)
    return isinstance(key, RSAPublicKey) and key.key_size < _LEAST_BITS


def _is_signed_by_md5(certificate: Certificate) -> bool:
    may_be = (
        _OLD_SIGNATURE.search(certificate.der) is not None
    )  # far cheaper, and nearly always all
    return may_be and signature_hash(certificate) in ("md2", "md4", "md5")
