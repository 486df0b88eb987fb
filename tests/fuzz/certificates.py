"""Targets of certificates and their parts: names, algorithms, constraints, and what is signed.

A damaged certificate has no signature that holds, so most of what is asked of a path would never be
reached. Here the damaged part is signed again by its CA before it is judged.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from detector.chain import der
from detector.chain.algorithm import read_scheme, words
from detector.chain.certificate import Certificate
from detector.chain.constraints import admits
from detector.chain.name_matching import as_read, normalised, same_name
from detector.chain.names import holds_name
from detector.chain.precertificate import without_scts
from detector.chain.recover import common_key, ecdsa_candidates, is_named_key, rsa_signature
from detector.chain.sct import embedded_scts
from detector.chain.signature import is_signed_by, why_unchecked
from detector.errors import TlsightError
from detector.judging.judge import judge_all
from detector.lab.pki import Authority
from detector.model.observation import Handshake, Observation, Target
from tests.chain.resigning import name
from tests.fuzz import target
from tests.fuzz.lab import KNOWN, LEAF, PKI

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
_NAMED = Certificate(PKI.issue("www.a.example.com", "192.0.2.1").der)
_RSA_LEAF = Authority("c", key=rsa.generate_private_key(3, 1024)).issue("c.example").der


def targets() -> dict[str, target.Target]:
    """By name."""
    odd = name(("C", 0x13, "US"), ("O", 0x1E, "Some  Trust"), ("CN", 0x0C, "R\u0131\u0307 11"))
    narrow = Authority("Narrow", parent=PKI.root, extra=((_LIMITS, True),))
    signed = (PKI.issue("www.a.example.com").der, PKI.intermediate.der, narrow.der)
    p521 = Authority("c", key=ec.generate_private_key(ec.SECP521R1()))
    return {
        "certificate": target.Target(
            _certificate, (LEAF, PKI.root.der, *PKI.issue("b", "192.0.2.1").chain)
        ),
        "recovered-signer": target.Target(
            _recovered, (LEAF, _RSA_LEAF, p521.issue("c.example").der)
        ),
        "names": target.Target(_names, (odd, PKI.root.subject.public_bytes() * 2)),
        "algorithm": target.Target(_algorithm, tuple(bytes.fromhex(one) for one in _ALGORITHMS)),
        "constraints": target.Target(_constraints, (_LIMITS.public_bytes(),)),
        "signed-paths": target.Target(_paths, tuple(Certificate(one).tbs for one in signed)),
    }


def _names(data: bytes) -> None:
    """A name is the same as itself, normalised once or twice, and can be shown."""
    half = len(data) // 2
    for one in (data, data[:half]):
        assert same_name(one, bytes(one))
        assert isinstance(as_read(one), str)
    same_name(data[:half], data[half:])
    assert normalised(data) == normalised(data)


def _algorithm(data: bytes) -> None:
    """Whatever it is, there are words for it."""
    assert words(data)
    read_scheme(data)


def _constraints(data: bytes) -> None:
    """What an issuer may issue for, against one leaf."""
    issuer = Certificate(PKI.intermediate.der)
    issuer.extensions = (("NC", True, data),)
    admits(issuer, [_NAMED], "www.a.example.com")


def _signed(tbs: bytes, authority: Authority) -> bytes:
    """A certificate of whatever this is."""
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    signature = authority.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex(_ALGORITHMS[0])
    return der.encode(0x30, tbs + algorithm + der.encode(der.BIT_STRING, b"\x00" + signature))


def _paths(data: bytes) -> None:
    """A damaged certificate under a signature that holds, in any place of a path, is judged."""
    pool = (PKI.intermediate.der, PKI.root.der)
    chain = (
        (_signed(data, PKI.intermediate), *pool),
        (_NAMED.der, _signed(data, PKI.root), PKI.root.der),
        (_NAMED.der, PKI.intermediate.der, _signed(data, PKI.root)),
    )[len(data) % 3]
    host = Target("www.a.example.com" if len(data) % 2 else "192.0.2.1")
    seen = Observation(PKI.root.now, host, chain=chain, handshake=Handshake(True))
    (found,) = judge_all([seen], KNOWN)
    assert found.verdict
    without_scts(Certificate(chain[0]))
    why_unchecked(Certificate(chain[1]))


def _certificate(data: bytes) -> None:
    """Every part that is asked for is there, or an error of its own."""
    found = Certificate(data)
    for view in (
        "basic_constraints", "may_sign_certificates", "usages", "dns_names", "ip_addresses",
        "authority_key_id", "subject_key_id", "subject_text", "issuer_text", "x509",
    ):  # fmt: skip
        try:
            getattr(found, view)
        except TlsightError:
            continue
    holds_name(found, "a.example")
    embedded_scts(found)


def _recovered(data: bytes) -> None:
    """Whatever key comes out of a signature, the signature holds under it."""
    leaf = Certificate(data)
    for key in ecdsa_candidates(leaf):
        assert is_signed_by(leaf, key)
        is_named_key(leaf, key)
    is_named_key(leaf, leaf.spki)
    one, two = rsa_signature(leaf), rsa_signature(Certificate(_RSA_LEAF))
    if one is not None and two is not None:
        common_key(one, two, (3, 17))
