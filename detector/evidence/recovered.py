"""Who signed a certificate whose issuer was not sent: what its signature tells, and what is known.

Rules
-----
1. The key is looked for among those that are known (published ones, those of public intermediates, those
   computed from two RSA signatures before) and among the two that an ECDSA signature leaves
   (`detector.chain.recover`). Whether one of these is on some list is as certain as if it had been sent:
   a candidate that is not the signer's is on no list.
2. With a key the leaf's SCTs can be checked, for the log signed the digest of the issuer's key. One that
   holds, or a key that is a known public intermediate's, says that an intermediate was forgotten: nothing
   is shared.
3. Otherwise the key counts like that of an issuer that was sent. Only where the leaf looks public and its
   SCTs are not refuted, it may be below an intermediate that is not listed yet, and is left alone.
4. The issuer's name and key identifier prove nothing, a forger copies both.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256

import msgspec

from detector.chain.certificate import Certificate
from detector.chain.path import Path
from detector.chain.recover import ecdsa_candidates, is_named_key
from detector.chain.sct import check_scts
from detector.chain.signature import fits_key, is_signed_by
from detector.errors import CertificateError
from detector.known.intermediates import PublicIntermediate
from detector.known.knowledge import Knowledge

MAX_TRIED = 128
_REMEMBERED = 1024
_HELD = ("valid", "outside-interval", "untrusted-log")


class UnsentSigner:
    """The signer of the last certificate of a path that breaks off there.

    Args:
        child: that certificate.
        known: whose keys to try.

    """

    def __init__(self, child: Certificate, known: Knowledge) -> None:
        self.child = child
        self._known = known

    @cached_property
    def candidates(self) -> dict[str, bytes]:
        """Keys (SPKI) by their SHA-256 (hex), of which one is the signer's; none where nothing is known."""
        keys = self._named or ecdsa_candidates(self.child)
        for key in keys:
            if len(keys) > 1 and is_named_key(self.child, key):
                self._remember(key)
                keys = (key,)
        if not keys:
            keys = tuple(key for key in self._keys_to_try() if is_signed_by(self.child, key))[:1]
        return {sha256(key).hexdigest(): key for key in keys}

    @property
    def _named(self) -> tuple[bytes, ...]:
        """The key that this issuer was found to have, if it made this signature, too. One signs thousands of leaves."""
        key = self._known.signers_by_name.get((self.child.issuer, self.child.authority_key_id))
        return (key,) if key is not None and is_signed_by(self.child, key) else ()

    def _remember(self, key: bytes) -> None:
        remembered = self._known.signers_by_name
        if len(remembered) >= _REMEMBERED:
            remembered.clear()
        remembered[self.child.issuer, self.child.authority_key_id] = key

    @cached_property
    def key(self) -> str | None:
        """The signer's key (SPKI SHA-256, hex), where one candidate is left or something names it."""
        found = tuple(self.candidates)
        if len(found) < 2:
            return found[0] if found else None
        if self.intermediate is not None:
            return self.intermediate.spki_sha256
        return self.spki_sha256 if self._scts_that_hold(self.spki_sha256) else None

    @cached_property
    def intermediate(self) -> PublicIntermediate | None:
        """The public intermediate whose key signed, None where that is not known."""
        found = (self._known.intermediates.with_key(digest) for digest in self.candidates)
        return next((one for one in found if one is not None), None)

    @cached_property
    def spki_sha256(self) -> str:
        """The candidate under which the most embedded SCTs hold; there must be one."""
        if len(self.candidates) == 1:
            return next(iter(self.candidates))
        return max(self.candidates, key=self._scts_that_hold)

    def _scts_that_hold(self, key: str) -> int:
        try:
            found = check_scts(self.child, _Key(key), self._known.logs)
        except CertificateError:
            return 0
        return sum(result.status in _HELD for result in found)

    def _keys_to_try(self) -> Iterator[bytes]:
        known = self._known
        keys = [one.spki for one in known.published.keys if one.spki is not None]
        keys += [one.spki for one in known.intermediates.named(self.child.issuer) if one.spki]
        keys += known.signers
        return (key for key in keys[:MAX_TRIED] if fits_key(self.child, key))


class _Key(msgspec.Struct, frozen=True):
    spki_sha256: str


def unsent_signer(path: Path, known: Knowledge) -> UnsentSigner | None:
    """The signer that a path lacks, None where it lacks none."""
    return UnsentSigner(path.certificates[-1], known) if path.kind == "incomplete" else None
