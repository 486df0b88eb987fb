"""What a host showed by one way: through a proxy, or past it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from detector.chain.certificate import Certificate, read_certificate
from detector.chain.sct import embedded_scts, parse_sct_list
from detector.chain.signature import is_signed_by
from detector.errors import CertificateError, ProxyFault, WireError
from detector.model.observation import Judgement, Observation, VerdictName
from detector.wire.fingerprints import ja3s
from detector.wire.transcript import read_transcript

# What a proxy sends is the leaf and one or two above it.
_MOST_SENT = 8


class Trouble(msgspec.Struct, frozen=True):
    """Why no handshake was completed.

    Attributes:
        cause: cause id.
        text: one line for a person.
        fault: what the way through the proxy failed by, where it was that.
        alert: code of the alert that the peer sent.

    """

    cause: str
    text: str
    fault: ProxyFault | None = None
    alert: int | None = None


class Way(msgspec.Struct, frozen=True):
    """One way's answer.

    Attributes:
        proxy: host:port, None for the way without one.
        address: the server's, where it was resolved here.
        verdict: the judge's, over this way alone or held against the other one.
        summary: its sentence.
        completed: both Finished were verified, so the peer holds the leaf's key.
        leaf: SHA-256 of the leaf's SubjectPublicKeyInfo, hex; None where no leaf can be read.
        chain: SHA-256 of each certificate as it was sent, hex.
        issuer: the leaf's issuer in words.
        signer: SHA-256 of the issuing key, where it is known.
        maker: product or engine that the judge recognised.
        of_ca: the leaf is signed with the key of the CA that was given as the proxy's; None where none was.
        scts: log ids of the SCTs in the leaf and beside it, hex.
        ja3s: fingerprint of the ServerHello (MD5, hex).
        trouble: why no handshake was completed.

    """

    proxy: str | None
    address: str | None
    verdict: VerdictName
    summary: str
    completed: bool = False
    leaf: str | None = None
    chain: tuple[str, ...] = ()
    issuer: str = ""
    signer: str | None = None
    maker: str | None = None
    of_ca: bool | None = None
    scts: tuple[str, ...] = ()
    ja3s: str | None = None
    version: str | None = None
    trouble: Trouble | None = None


def way_of(judgement: Judgement, ca: Certificate | None = None) -> Way:
    """What was seen, and what the judge says of it. Never raises for what a peer sent.

    Args:
        judgement: over one handshake.
        ca: the CA that the proxy is known to sign with.

    """
    seen, who = judgement.observation, judgement.interceptor
    done = seen.handshake
    found = Way(
        proxy=seen.route.proxy,
        address=seen.target.ip,
        verdict=judgement.verdict,
        summary=judgement.summary,
        completed=done is not None and done.completed,
        maker=(who.product or who.engine) if who is not None else None,
        signer=who.issuer_spki_sha256 if who is not None else None,
        ja3s=_ja3s(seen),
        version=done.version if done is not None else None,
        trouble=_trouble(seen),
    )
    chain = [_read(der) for der in seen.chain]
    leaf = chain[0] if chain else None
    if leaf is None:
        return found
    return msgspec.structs.replace(
        found,
        leaf=leaf.spki_sha256,
        chain=tuple(one.sha256 for one in chain if one is not None),
        issuer=leaf.issuer_text,
        signer=found.signer or _signer(leaf, chain[1:]),
        of_ca=None if ca is None else _hangs_on(ca, chain),
        scts=_scts(leaf, seen.scts),
    )


def _read(der: bytes) -> Certificate | None:
    try:
        found = read_certificate(der)
        # What is lazy is read here, or it would raise where nobody expects it.
        _ = found.spki_sha256, found.sha256, found.issuer_text
    except CertificateError:
        return None
    return found


def _signer(leaf: Certificate, above: list[Certificate | None]) -> str | None:
    """The key among those sent that signed the leaf; its own where it signed itself."""
    for one in (*above[:_MOST_SENT], leaf):
        if one is not None and one.subject == leaf.issuer and is_signed_by(leaf, one.spki):
            return one.spki_sha256
    return None


def _hangs_on(ca: Certificate, chain: list[Certificate | None]) -> bool:
    """Whether the CA's key signed the leaf, or one that was sent above it."""
    return any(one is not None and is_signed_by(one, ca.spki) for one in chain[:_MOST_SENT])


def _scts(leaf: Certificate, beside: bytes | None) -> tuple[str, ...]:
    found: list[str] = []
    readers: tuple[Callable[[], tuple[object, ...]], ...] = (
        lambda: embedded_scts(leaf),
        lambda: parse_sct_list(beside) if beside is not None else (),
    )
    for read in readers:
        try:
            found += [one.log_id.hex() for one in read()]  # type: ignore[attr-defined]
        except (CertificateError, WireError):
            continue
    return tuple(sorted(set(found)))


def _ja3s(seen: Observation) -> str | None:
    try:
        hello = read_transcript(b"", seen.server_bytes).server_hello
    except WireError:
        return None
    return ja3s(hello) if hello is not None else None


def _trouble(seen: Observation) -> Trouble | None:
    failure = seen.failure
    if failure is None:
        return None
    fault = failure.proxy.fault if failure.proxy is not None else None
    fatal = [one.code for one in seen.alerts if one.sender == "server" and one.fatal]
    return Trouble(failure.cause, failure.text, fault, fatal[-1] if fatal else None)
