"""Fuzz targets of certificates' parts: names, algorithms, constraints, and what is signed.

A damaged certificate has no signature that holds, so most of what is asked of a path would never be
reached. Here the damaged part is signed again by its CA before it is judged.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from detector.chain import der
from detector.chain.algorithm import read_scheme, words
from detector.chain.certificate import Certificate
from detector.chain.constraints import admits
from detector.chain.name_matching import as_read, normalised, same_name
from detector.chain.precertificate import without_scts
from detector.chain.signature import why_unchecked
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Handshake, Observation, Target
from tests.chain.resigning import name

Parser = Callable[[bytes], None]
_ALGORITHMS = (
    "300a06082a8648ce3d040302",
    "300d06092a864886f70d01010b0500",
    "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
    "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120",
    "300b0609608648016503040312",
)
_LIMITS = x509.NameConstraints(
    [x509.DNSName("a.example.com"), x509.RFC822Name("x@b.example"), x509.UniformResourceIdentifier(".c")],
    [x509.DNSName("bad.a.example.com"), x509.DirectoryName(x509.Name([]))],
)  # fmt: skip


def _names(data: bytes) -> None:
    half = len(data) // 2
    for one in (data, data[:half]):
        assert same_name(one, bytes(one))
        assert isinstance(as_read(one), str)
    same_name(data[:half], data[half:])
    assert normalised(data) == normalised(data)


def _algorithm(data: bytes) -> None:
    assert words(data)
    read_scheme(data)


def _constraints(pki: LabPki) -> Parser:
    leaf = Certificate(pki.issue("www.a.example.com", "192.0.2.1").der)

    def parse(data: bytes) -> None:
        issuer = Certificate(pki.intermediate.der)
        issuer.extensions = (("NC", True, data),)
        admits(issuer, [leaf], "www.a.example.com")

    return parse


def _signed(tbs: bytes, authority: Authority) -> bytes:
    """A certificate of whatever this is."""
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    signature = authority.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex(_ALGORITHMS[0])
    return der.encode(0x30, tbs + algorithm + der.encode(der.BIT_STRING, b"\x00" + signature))


def _paths(pki: LabPki, known: Knowledge) -> Parser:
    host = "www.a.example.com"
    leaf = pki.issue(host).der
    pool = (pki.intermediate.der, pki.root.der)

    def parse(data: bytes) -> None:
        chain = (
            (_signed(data, pki.intermediate), *pool),
            (leaf, _signed(data, pki.root), pki.root.der),
            (leaf, pki.intermediate.der, _signed(data, pki.root)),
        )[len(data) % 3]
        target = Target(host if len(data) % 2 else "192.0.2.1")
        seen = Observation(pki.root.now, target, chain=chain, handshake=Handshake(True))
        (found,) = judge_all([seen], known)
        assert found.verdict
        without_scts(Certificate(chain[0]))
        why_unchecked(Certificate(chain[1]))

    return parse


def parsers(pki: LabPki, known: Knowledge) -> dict[str, tuple[Parser, tuple[bytes, ...]]]:
    """By name: what reads, and what it starts from."""
    odd = name(("C", 0x13, "US"), ("O", 0x1E, "Some  Trust"), ("CN", 0x0C, "R\u0131\u0307 11"))
    narrow = Authority("Narrow", parent=pki.root, extra=((_LIMITS, True),))
    signed = (pki.issue("www.a.example.com").der, pki.intermediate.der, narrow.der)
    return {
        "names": (_names, (odd, pki.root.subject.public_bytes() * 2)),
        "algorithm": (_algorithm, tuple(bytes.fromhex(one) for one in _ALGORITHMS)),
        "constraints": (_constraints(pki), (_LIMITS.public_bytes(),)),
        "signed-paths": (_paths(pki, known), tuple(Certificate(one).tbs for one in signed)),
    }
