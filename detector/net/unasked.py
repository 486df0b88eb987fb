"""Ask for what Python's `ssl` never asks for: SCTs in the TLS extension (RFC 6962 section 3.3.1), and the
stapled OCSP response (RFC 6066 section 8), which may hold SCTs too.

Theory of operation
-------------------
One more connection, by the same way to the same address, and a ClientHello of our own. The server's flight is
in clear in TLS 1.2; in TLS 1.3 its keys need our half of the key share alone. Both answers are about a
certificate, and signed for themselves: they count where that connection shows the very leaf of the first, and
nowhere else. So the hello asks for a leaf with the first one's kind of key. A server that does not answer
twice was not asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from detector.chain.certificate import read_certificate
from detector.chain.signature import public_key
from detector.errors import CertificateError
from detector.model.inquiry import Trial
from detector.model.observation import Observation
from detector.net.probe import ProbeOptions, speaks_http
from detector.net.trial import Keys, Patience, attempt
from detector.wire import registry as r
from detector.wire.offer import (
    ALL_SCHEMES,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    TLS12,
    TLS13,
    X25519,
    Offer,
)
from detector.wire.server_flight import FINISHED

_ECDSA = frozenset((0x0403, 0x0503, 0x0603, 0x0203))
_RSA = frozenset((0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0201))


async def with_unasked(observation: Observation, options: ProbeOptions) -> Observation:
    """`observation` with what the server sends beside its leaf to those who ask; takes `options.timeout` at
    most. It comes back unchanged when the server does not answer, or shows another leaf.
    """
    if not observation.chain:
        return observation
    target = observation.target
    there = same_place(observation, options)
    try:
        async with asyncio.timeout(options.timeout):
            patience = Patience(options.timeout)
            made = await attempt(
                "unasked", offer_for(observation, options), target, there, patience, Keys()
            )
    except TimeoutError:
        return observation
    return with_answers(observation, (made,))


def with_answers(observation: Observation, trials: Iterable[Trial]) -> Observation:
    """`observation` with what hellos of our own brought for its leaf. Their flights must have been read to
    the end, or what did not come might have come later.
    """
    scts, ocsp, asked = observation.scts, observation.ocsp, False
    for trial in trials:
        if not observation.chain or trial.chain[:1] != observation.chain[:1] or not _whole(trial):
            continue
        asked = True
        scts = trial.scts if scts is None else scts
        ocsp = trial.ocsp if ocsp is None else ocsp
    if not asked:
        return observation
    return replace(observation, scts=scts, ocsp=ocsp, asked_for=("scts", "ocsp"))


def same_place(observation: Observation, options: ProbeOptions) -> ProbeOptions:
    """Options that lead to the address that answered before, where we resolved it ourselves."""
    target = observation.target
    if observation.route.kind == "direct" and options.connect_to is None and target.ip is not None:
        return replace(options, connect_to=(target.ip, target.port))
    return options


def offer_for(observation: Observation, options: ProbeOptions) -> Offer:
    """The hello that asks for the same leaf again, in no later version than it was shown under."""
    done = observation.handshake
    modern = done is None or done.version == "TLSv1.3"
    return Offer(
        versions=(TLS13, TLS12) if modern else (TLS12,),
        groups=(X25519, SECP256R1, SECP384R1, SECP521R1),
        shares=(X25519, SECP256R1),
        schemes=_schemes(observation.chain[0]),
        sni=observation.target.sni,
        alpn=options.alpn if speaks_http(observation.target) else (),
        chain_schemes=ALL_SCHEMES,
    )


def _schemes(leaf: bytes) -> tuple[int, ...]:
    """Schemes that a key of the leaf's kind signs with; all where it is of another kind."""
    try:
        key = public_key(read_certificate(leaf).spki)
    except CertificateError:
        return ALL_SCHEMES
    if isinstance(key, ec.EllipticCurvePublicKey):
        return tuple(scheme for scheme in ALL_SCHEMES if scheme in _ECDSA)
    if isinstance(key, rsa.RSAPublicKey):
        return tuple(scheme for scheme in ALL_SCHEMES if scheme in _RSA)
    return ALL_SCHEMES


def _whole(trial: Trial) -> bool:
    """TLS 1.2 or later, where one may ask, and read up to the end of the flight."""
    if trial.version is None or trial.version < TLS12:
        return False
    return any(kind in (r.SERVER_HELLO_DONE, FINISHED) for kind, _ in trial.messages)
