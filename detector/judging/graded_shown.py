"""What a client can see for himself of the leaf that an interceptor shows him for a server of ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from detector.chain.certificate import Certificate, read_certificate
from detector.chain.names import holds_name
from detector.chain.signature import public_key, signature_hash
from detector.errors import CertificateError
from detector.model.grades import GOOD, Seen, Visit

# No client of today takes a leaf that is signed with one of them.
BROKEN_HASHES = ("md2", "md4", "md5", "sha1")
_LEAST_RSA, _LEAST_CURVE = 2048, 224
_A_RUN = timedelta(hours=1)


def leaf_of(visit: Visit) -> Certificate | None:
    """The leaf that was shown, None where there is none that can be read."""
    try:
        return read_certificate(visit.chain[0]) if visit.chain else None
    except CertificateError:
        return None


def is_genuine(visit: Visit, seen: Seen) -> bool:
    """The server's own leaf came: nobody decrypted."""
    return bool(visit.chain) and sha256(visit.chain[0]).hexdigest() == seen.leaves.get(visit.server)


def minted(seen: Seen) -> tuple[Visit, ...]:
    """Visits on which a leaf of the interceptor's was shown."""
    return tuple(one for one in seen.visits if one.chain and not is_genuine(one, seen))


def issuers(seen: Seen) -> frozenset[tuple[bytes, bytes | None]]:
    """Name and key identifier of who signs for good servers: whom the clients trust. Else of whom is met most."""
    shown = [(one.server, leaf) for one in minted(seen) if (leaf := leaf_of(one)) is not None]
    good = [_issuer(leaf) for server, leaf in shown if server == GOOD]
    if good:
        return frozenset(good)
    met = [_issuer(leaf) for _, leaf in shown if not leaf.is_self_issued]
    return frozenset((max(met, key=met.count),)) if met else frozenset()


def objections(
    visit: Visit,
    at: datetime,
    trusted: Sequence[tuple[bytes, bytes | None]] | frozenset[tuple[bytes, bytes | None]],
) -> tuple[str, ...]:
    """Why a client who trusts the interceptor's CA still refuses what he is shown; empty where he has no reason to."""
    leaf = leaf_of(visit)
    if leaf is None:
        return ("the leaf cannot be read",)
    found: list[str] = []
    if trusted and _issuer(leaf) not in trusted:
        found.append("another issuer signed it than for good servers")
    if leaf.not_after <= at:
        found.append("it has ended")
    # Minted while the run went on, by another clock.
    if leaf.not_before > at + _A_RUN:
        found.append("it is not valid yet")
    if not holds_name(leaf, visit.host):
        found.append("it is for another name")
    if not leaf.may_serve_tls:
        found.append("it is not for servers")
    if leaf.unheeded:
        found.append("it has a critical extension that nobody knows")
    if (hashed := signature_hash(leaf)) in BROKEN_HASHES:
        found.append(f"it is signed with {hashed.upper()}")
    if (short := short_key(leaf)) is not None:
        found.append(f"its key is short: {short}")
    return tuple(found)


def short_key(leaf: Certificate) -> str | None:
    """What its key is, where that is too short for today."""
    key = public_key(leaf.spki)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA:
        return f"RSA of {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < _LEAST_CURVE:
        return f"a curve of {key.curve.key_size} bits"
    return None


def _issuer(leaf: Certificate) -> tuple[bytes, bytes | None]:
    try:
        return leaf.issuer, leaf.authority_key_id
    except CertificateError:
        return leaf.issuer, None
