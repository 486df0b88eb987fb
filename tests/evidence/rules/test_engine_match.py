from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detector.chain.certificate import Certificate
from detector.chain.shape import LeafShape
from detector.chain.shape_rule import ShapeRule
from detector.evidence.rules import engine_match
from detector.known.knowledge import Engine, Knowledge
from detector.lab.pki import Authority, LabPki, _key_usage
from tests.conftest import Observe
from tests.evidence.conftest import Ask


def test_honest_leaves_match_no_engine(
    pki: LabPki, corporate: Authority, observe: Observe, ask: Ask
) -> None:
    rsa_ca = Authority("RSA CA", key=rsa.generate_private_key(65537, 2048), profile=False)
    rsa_key = rsa.generate_private_key(65537, 2048)
    for shown in (
        pki.issue("a.com"),
        pki.issue("a.com", logs=()),
        corporate.issue("a.com", days=365),
        rsa_ca.issue("a.com", days=366, key=rsa_key),
        [rsa_ca.issue("a.com", days=730, key=rsa_key).der, rsa_ca.der],
    ):
        assert ask(engine_match, observe("a.com", shown)) is None


def test_a_valid_sct_clears_any_shape(
    pki: LabPki, known: Knowledge, observe: Observe, ask: Ask
) -> None:
    from dataclasses import replace

    anything = Engine("any", "anything", "test", "test", (ShapeRule(),))
    knowledge = replace(known, engines=(anything,))
    assert ask(engine_match, observe("a.com", pki.issue("a.com")), knowledge) is None
    bare = observe("a.com", pki.issue("a.com", logs=()))
    assert ask(engine_match, bare, knowledge) is not None


def test_shapes_ask_for_more_than_a_private_ca_by_the_book_has(
    known: Knowledge, observe: Observe, ask: Ask
) -> None:
    """The extensions, key and days of SSLsplit and proxy.py, as an operator's OpenSSL makes them."""
    for extensions, days, serial in (
        (("SKI", "AKI", "BC*", "KU", "EKU", "SAN"), 365, 1 << 150),
        (("SAN", "SKI", "AKI"), 730, 0x1000),
    ):
        host = "vpn.corp.com"
        ca = Authority("Corp CA", key=rsa.generate_private_key(65537, 2048), profile=False)
        leaf = like(ca, host, extensions, days, serial)
        assert Certificate(leaf).extensions
        shown = observe(host, [leaf, ca.der])
        found = ask(engine_match, shown)
        assert found is None
        shape = LeafShape(Certificate(leaf), [Certificate(leaf), Certificate(ca.der)], host)
        assert shape.extensions == extensions


def like(ca: Authority, host: str, names: tuple[str, ...], days: int, serial: int) -> bytes:
    """A leaf with exactly these extensions, signed by `ca`."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(ca.now)
        .not_valid_after(ca.now + timedelta(days=days))
    )
    usage = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    made: dict[str, x509.ExtensionType] = {
        "SKI": x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
        "AKI": ca.key_identifier,
        "BC": x509.BasicConstraints(False, None),
        "KU": _key_usage(ca=False),
        "EKU": usage,
        "SAN": x509.SubjectAlternativeName([x509.DNSName(host)]),
    }
    for name in names:
        builder = builder.add_extension(made[name.rstrip("*")], name.endswith("*"))
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.DER)
