from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from detector.chain.name_matching import as_read
from detector.known.intermediates import PublicIntermediate, PublicIntermediates, name_digest

R11 = (("C", "US"), ("O", "Let's Encrypt"), ("CN", "R11"))
_OIDS = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "CN": NameOID.COMMON_NAME,
}


def name(*parts: tuple[str, str], kind: _ASN1Type | None = None) -> bytes:
    found = [
        x509.NameAttribute(_OIDS[oid], value, kind if oid != "C" else None) for oid, value in parts
    ]
    return x509.Name(found).public_bytes()


def test_keys_are_found_by_name_and_intermediates_by_key() -> None:
    digest = name_digest(as_read(name(*R11)))
    found = PublicIntermediates(
        lambda: (
            PublicIntermediate("a" * 64, digest, "CN=R11"),
            PublicIntermediate("b" * 64, digest, "CN=R11", b"key"),
            PublicIntermediate("b" * 64),
            PublicIntermediate("c" * 64),
        )
    )
    for written in (name(*R11, kind=_ASN1Type.BMPString), name(*reversed(R11))):
        assert found.get(as_read(written)) == {"a" * 64, "b" * 64}
        assert len(found.named(written)) == 2
    assert found.get(as_read(name(("CN", "R12")))) == frozenset()
    assert found.named(name(("CN", "R12"))) == ()
    by_key = found.with_key("b" * 64)
    assert by_key is not None
    assert by_key.spki == b"key"
    assert found.with_key("c" * 64) is not None
    assert found.with_key("d" * 64) is None


def test_the_list_is_read_once_and_only_when_it_is_asked() -> None:
    read: list[int] = []

    def rows() -> Iterator[PublicIntermediate]:
        read.append(1)
        yield PublicIntermediate("a" * 64)

    found = PublicIntermediates(rows)
    assert not read
    found.with_key("a" * 64)
    found.with_key("b" * 64)
    assert read == [1]
