"""Keys come back out of signatures; what is no signature of their kind gives none."""

from __future__ import annotations

from collections.abc import Callable

import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from detector.chain import recover
from detector.chain.certificate import Certificate
from detector.chain.recover import common_key, ecdsa_candidates, is_named_key, rsa_signature
from detector.chain.signature import is_signed_by
from detector.lab.pki import Authority
from tests.chain.test_signature import self_made

CURVES = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}


def leaves(key: object, count: int = 2) -> list[Certificate]:
    authority = Authority("A forger", key=key)  # type: ignore[arg-type]
    return [Certificate(authority.issue(f"{number}.com").der) for number in range(count)]


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_an_ecdsa_signature_leaves_two_keys_and_the_key_identifier_one(
    curve: ec.EllipticCurve,
) -> None:
    authority = Authority("A forger", key=ec.generate_private_key(curve))
    leaf = Certificate(authority.issue("a.com").der)
    found = ecdsa_candidates(leaf)
    assert len(found) == 2
    assert authority.spki in found
    assert all(is_signed_by(leaf, key) for key in found)
    assert [key for key in found if is_named_key(leaf, key)] == [authority.spki]


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_leaves_of_one_signer_have_one_candidate_in_common_and_those_of_two_have_none(
    curve: ec.EllipticCurve,
) -> None:
    key = ec.generate_private_key(curve)
    one, two = (set(ecdsa_candidates(leaf)) for leaf in leaves(key))
    (stranger,) = (
        set(ecdsa_candidates(leaf)) for leaf in leaves(ec.generate_private_key(curve), 1)
    )
    assert one & two == {Authority("x", key=key).spki}
    assert not one & stranger


def test_the_numbers_of_the_curves_are_right() -> None:
    """A point times the order is none, and one less is the base point's mirror image."""
    for curve in recover._CURVES:
        with pytest.raises(ValueError):
            ec.derive_private_key(curve.n, curve.curve)
        base = ec.derive_private_key(1, curve.curve).public_key().public_numbers()
        last = ec.derive_private_key(curve.n - 1, curve.curve).public_key().public_numbers()
        assert (last.x, last.y) == (base.x, curve.p - base.y)
        double = ec.derive_private_key(2, curve.curve).public_key().public_numbers()
        point, mirrored = (base.x, base.y), (last.x, last.y)
        assert recover._sum(curve.p, point, point) == (double.x, double.y)
        assert recover._sum(curve.p, point, mirrored) is None


def bent(leaf: Certificate, change: Callable[[int, int], tuple[int, int]]) -> Certificate:
    """The same leaf under other numbers of one length."""
    before = leaf.x509.signature
    after = encode_dss_signature(*change(*decode_dss_signature(before)))
    der = leaf.der.replace(before, after)
    assert len(after) == len(before)
    return Certificate(der)


def test_hostile_numbers_give_keys_under_which_they_hold_or_none() -> None:
    leaf = next(
        leaf
        for leaf in leaves(ec.generate_private_key(ec.SECP256R1()), 64)
        if len(leaf.x509.signature) == 72
    )
    order, prime = recover._CURVES[0].n, recover._CURVES[0].p
    changes: list[Callable[[int, int], tuple[int, int]]] = [
        lambda r, s: (r, s ^ 1),
        lambda r, s: (s, r),
        lambda _, s: (order - 1, s),
        lambda r, _: (r, order - 1),
        lambda _, s: (order, s),
        lambda _, s: (prime, s),
        lambda r, _: (r, 2**256 - 1),
        lambda _, s: (2**256 - 1, s),
    ]
    for change in changes:
        other = bent(leaf, change)
        assert all(is_signed_by(other, key) for key in ecdsa_candidates(other))


def test_other_signatures_have_no_candidates() -> None:
    for key, how in (
        (rsa.generate_private_key(65537, 2048), {}),
        (ed25519.Ed25519PrivateKey.generate(), {"algorithm": None}),
    ):
        certificate, spki = self_made(key, **how)
        assert ecdsa_candidates(certificate) == ()
        assert not is_named_key(certificate, spki)


def test_a_key_identifier_of_another_kind_names_no_key() -> None:
    (leaf,) = leaves(ec.generate_private_key(ec.SECP256R1()), 1)
    for spki in (b"", b"\x30\x00", b"\x30\x02\x05\x00", leaf.spki):
        assert not is_named_key(leaf, spki)


def with_exponent(exponent: int, bits: int) -> rsa.RSAPrivateKey:
    """A key as no library makes one any more."""
    while True:
        made = rsa.generate_private_key(3, bits).private_numbers()
        p, q, n = made.p, made.q, made.public_numbers.n
        try:
            d = pow(exponent, -1, (p - 1) * (q - 1))
        except ValueError:
            continue
        parts = d % (p - 1), d % (q - 1), pow(q, -1, p)
        public = rsa.RSAPublicNumbers(exponent, n)
        return rsa.RSAPrivateNumbers(p, q, d, *parts, public).private_key()


@pytest.mark.parametrize("exponent", [3, 17, 257])  # 65537 is for tests/runs: it takes its time
@pytest.mark.parametrize("bits", [1024, 1030])
def test_two_rsa_signatures_of_one_key_give_it(exponent: int, bits: int) -> None:
    key = with_exponent(exponent, bits)
    one, two = (rsa_signature(leaf) for leaf in leaves(key))
    assert one is not None
    assert two is not None
    assert one.bits == 8 * ((bits + 7) // 8)
    assert common_key(one, two, (3, 5, 17, 257)) == Authority("x", key=key).spki


def test_rsa_signatures_of_two_keys_or_of_one_leaf_twice_give_none() -> None:
    keys = [rsa.generate_private_key(3, 1024) for _ in range(2)]
    one, two = (rsa_signature(leaves(key, 1)[0]) for key in keys)
    longer = rsa_signature(leaves(rsa.generate_private_key(3, 2048), 1)[0])
    assert one is not None
    assert two is not None
    assert longer is not None
    assert common_key(one, two, (3, 257)) is None
    assert common_key(one, one) is None
    assert common_key(one, longer, (3, 257)) is None


def test_a_cofactor_is_taken_away() -> None:
    key = rsa.generate_private_key(3, 1024)
    one, two = (rsa_signature(leaf) for leaf in leaves(key))
    assert one is not None
    assert two is not None
    n = key.public_key().public_numbers().n
    first, second = (gmpy2.mpz(s.signature) ** 3 - s.encoded for s in (one, two))
    assert gmpy2.gcd(first, second) % n == 0
    assert recover._common_modulus(one, two, 3) == n


def signed_with(leaf: Certificate, signature: bytes) -> Certificate:
    """The same with other octets for its signature, which nobody made."""

    def element(tag: int, content: bytes) -> bytes:
        return bytes((tag, 0x82)) + len(content).to_bytes(2, "big") + content

    bits = element(0x03, b"\0" + signature)
    return Certificate(element(0x30, leaf.tbs + leaf.signature_algorithm + bits))


def test_pss_and_sizes_out_of_reach_have_no_equation() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pss, _ = self_made(key, rsa_padding=padding.PSS(padding.MGF1(SHA256()), 32))
    assert rsa_signature(pss) is None
    assert rsa_signature(leaves(ec.generate_private_key(ec.SECP256R1()), 1)[0]) is None
    (leaf,) = leaves(key, 1)
    assert rsa_signature(leaf) is not None
    for size, reached in ((512, True), (513, False), (63, False)):
        assert (rsa_signature(signed_with(leaf, bytes(size))) is not None) is reached
