from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from detector.chain.certificate import Certificate
from detector.chain.shape import LeafShape, key_kind
from detector.chain.shape_rule import ShapeRule
from detector.lab.pki import Authority, LabPki


def shape(host: str, *chain: bytes) -> LeafShape:
    sent = [Certificate(data) for data in chain]
    return LeafShape(sent[0], sent, host)


def test_a_leaf_signed_with_its_own_key_under_anothers_name_is_seen() -> None:
    key = rsa.generate_private_key(65537, 2048)
    forger = Authority("Gateway", key=key, profile=False)
    minted = forger.issue("a.example", key=key)
    honest = forger.issue("a.example")
    assert shape("a.example", minted.der).leaf_key_is_issuer_key
    assert not shape("a.example", honest.der).leaf_key_is_issuer_key
    assert not shape("a.example", forger.der).leaf_key_is_issuer_key


def test_extensions_keep_order_and_criticality(corporate: Authority) -> None:
    found = shape("a.example", corporate.issue("a.example").der)
    assert found.extensions == ("KU*", "EKU", "BC*", "SKI", "AKI", "SAN")


def test_numbers_of_a_leaf(pki: LabPki) -> None:
    found = shape("a.example", *pki.issue("a.example", days=47).chain, pki.root.der, pki.root.der)
    assert found.validity_days == 46  # the last second is not part of it
    assert found.root_sent == 2
    assert found.only_host_named
    assert found.key == "ec-secp256r1"


def test_a_rule_asks_only_what_it_says(corporate: Authority) -> None:
    found = shape("a.example", corporate.issue("a.example").der)
    assert ShapeRule().matches(found)
    assert ShapeRule(extensions=(("SAN",), found.extensions)).matches(found)
    assert not ShapeRule(extensions=(("SAN",),)).matches(found)
    assert ShapeRule(issuer={"O": "Example .*"}).matches(found)
    assert not ShapeRule(issuer={"O": "Example"}).matches(found)
    assert not ShapeRule(issuer={"L": ".*"}).matches(found)
    assert not ShapeRule(serial_bits=(1, 10)).matches(found)
    assert not ShapeRule(leaf_key_is_issuer_key=True).matches(found)
    assert ShapeRule(leaf_key_is_issuer_key=False, self_issued=False).matches(found)


def test_kinds_of_keys_have_short_names() -> None:
    assert key_kind(Authority("x", key=ec.generate_private_key(ec.SECP384R1())).spki) == (
        "ec-secp384r1"
    )
    assert key_kind(b"junk") == "unknown"


def test_the_kind_of_a_key_is_told_from_its_bytes_as_from_the_key() -> None:
    for bits in (2048, 2047, 2040):
        key = rsa.generate_private_key(65537, bits)
        assert key_kind(spki_of(key)) == f"rsa{bits}"
    other = rsa.generate_private_key(65537, 2048)
    assert key_kind(spki_of(ec.generate_private_key(ec.SECP256R1()))) == "ec-secp256r1"
    assert key_kind(spki_of(other)[:-1]) == "unknown"


def spki_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
