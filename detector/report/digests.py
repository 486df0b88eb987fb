"""Digests of a server's certificate: what pins, policies and other programs know it by."""

from __future__ import annotations

from collections.abc import Iterator

from detector.chain.certificate import Certificate, read_certificate
from detector.chain.signature import is_signed_by
from detector.errors import CertificateError
from detector.model.observation import Judgement

SHORT = 16
_LOOKED_AT = 8


def digests(judgement: Judgement, *, verbose: bool) -> Iterator[tuple[str, str]]:
    """What it is of, and the SHA-256 in hex: of the leaf, of its key, and of the key that signed it (SPKI).

    Args:
        judgement: whose observation may hold a chain.
        verbose: whole digests instead of their first SHORT digits, and the leaf's key too.

    """
    chain = judgement.observation.chain
    if not chain:
        return
    try:
        leaf = read_certificate(chain[0])
    except CertificateError:
        return
    if not verbose:
        issuer = _issuer_key(judgement, leaf)
        beside = f", its issuer's key {issuer[:SHORT]}…" if issuer else ""
        yield "SHA-256", f"leaf {leaf.sha256[:SHORT]}…{beside}"
        return
    yield "leaf", f"SHA-256 {leaf.sha256}"
    yield "leaf's key", f"SHA-256 {leaf.spki_sha256}"
    if issuer := _issuer_key(judgement, leaf):
        yield "issuer's key", f"SHA-256 {issuer}"


def _issuer_key(judgement: Judgement, leaf: Certificate) -> str | None:
    """Of the sent certificate that signed the leaf, else of who was found to have signed it."""
    for der in judgement.observation.chain[:_LOOKED_AT]:
        try:
            issuer = read_certificate(der)
        except CertificateError:
            continue
        if is_signed_by(leaf, issuer.spki):
            return issuer.spki_sha256
    who = judgement.interceptor
    return who.issuer_spki_sha256 if who is not None else None
