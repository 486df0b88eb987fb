import pytest

from detector.errors import WireError
from detector.wire import certificates as c


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def test_a_tls_1_2_list_is_certificates_alone() -> None:
    body = vector(3, vector(3, b"leaf") + vector(3, b"issuer"))
    assert [e.der for e in c.parse_certificate_tls12(body)] == [b"leaf", b"issuer"]


def test_a_tls_1_3_entry_may_carry_its_staple() -> None:
    staple = vector(2, b"\x00\x05" + vector(2, b"\x01" + vector(3, b"ocsp")))
    body = vector(1, b"") + vector(3, vector(3, b"leaf") + staple)
    (entry,) = c.parse_certificate_tls13(body)
    assert (entry.der, entry.ocsp) == (b"leaf", b"ocsp")


def test_a_thousand_certificates_are_refused_after_the_hundredth() -> None:
    body = vector(3, vector(3, b"x") * 1000)
    with pytest.raises(WireError, match="more than 100 certificates"):
        c.parse_certificate_tls12(body)


def test_a_request_names_the_authorities_it_wants() -> None:
    body = vector(1, b"\x01\x40") + vector(2, b"\x04\x03") + vector(2, vector(2, b"name"))
    request = c.parse_certificate_request_tls12(body)
    assert (request.types, request.signature_algorithms) == ((1, 64), (0x0403,))
    assert request.authorities == (b"name",)


def test_a_tls_1_3_request_keeps_names_and_schemes_in_extensions() -> None:
    schemes = b"\x00\x0d" + vector(2, vector(2, b"\x08\x04"))
    names = b"\x00\x2f" + vector(2, vector(2, vector(2, b"ca")))
    request = c.parse_certificate_request_tls13(vector(1, b"ctx") + vector(2, schemes + names))
    assert request == c.CertificateRequest((b"ca",), (0x0804,), (), b"ctx")


def test_a_status_of_another_type_is_an_error() -> None:
    assert c.parse_certificate_status(b"\x01" + vector(3, b"resp")) == b"resp"
    with pytest.raises(WireError, match="type 2"):
        c.parse_certificate_status(b"\x02" + vector(3, b"resp"))


def test_the_group_of_a_named_curve_key_exchange() -> None:
    assert c.key_exchange_group(b"\x03\x00\x17rest") == 23
    assert c.key_exchange_group(b"\x01\x00\x17") is None


@pytest.mark.parametrize(
    "parse",
    [
        c.parse_certificate_tls12,
        c.parse_certificate_tls13,
        c.parse_certificate_request_tls12,
        c.parse_certificate_request_tls13,
        c.parse_certificate_status,
        c.key_exchange_group,
    ],
)
def test_nothing_is_not_a_message(parse: object) -> None:
    with pytest.raises(WireError):
        parse(b"")  # type: ignore[operator]
