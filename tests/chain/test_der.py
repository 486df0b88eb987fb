from datetime import UTC, datetime

import pytest

from detector.chain import der
from detector.errors import CertificateError


def test_short_and_long_lengths_give_the_contents_bounds() -> None:
    assert der.element(b"\x04\x02ab", 0, 4) == (4, 2, 4)
    data = b"\x04\x81\x80" + bytes(128)
    assert der.element(data, 0, len(data)) == (4, 3, 131)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x30", b"\x30\x80", b"\x30\x05abc", b"\x1f\x81\x01\x00", b"\x30\x85" + bytes(9)],
)
def test_cut_indefinite_and_oversized_elements_are_refused(data: bytes) -> None:
    with pytest.raises(CertificateError):
        der.element(data, 0, len(data))


def test_a_wrong_tag_names_the_place_and_both_tags() -> None:
    with pytest.raises(CertificateError, match="tag 0x31, expected 0x30 at byte 0"):
        der.expect(b"\x31\x00", 0, 2, der.SEQUENCE, "name")


def test_a_crowd_of_children_is_refused() -> None:
    data = b"\x05\x00" * 20
    with pytest.raises(CertificateError, match="more than 10"):
        der.children(data, 0, len(data), 10)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("551d11", "2.5.29.17"),
        ("2b06010401d679020402", "1.3.6.1.4.1.11129.2.4.2"),
        ("8837", "2.999"),
    ],
)
def test_object_identifiers_are_spelled_out(octets: str, text: str) -> None:
    assert der.oid_text(bytes.fromhex(octets)) == text


def test_two_digit_years_turn_at_1950() -> None:
    assert der.time_value(der.UTC_TIME, b"491231235959Z", 0).year == 2049
    assert der.time_value(der.UTC_TIME, b"500101000000Z", 0).year == 1950
    late = der.time_value(der.GENERALIZED_TIME, b"20501231000000Z", 0)
    assert late == datetime(2050, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("text", [b"20501331000000Z", b"2050", b"20501231000000", b"\xff\xfe"])
def test_times_that_no_calendar_has_are_refused(text: bytes) -> None:
    with pytest.raises(CertificateError, match="time"):
        der.time_value(der.GENERALIZED_TIME, text, 3)


def test_the_year_0_becomes_the_first_that_there_is_and_other_nonsense_stays_nonsense() -> None:
    assert der.time_value(der.GENERALIZED_TIME, b"00000101000000Z", 0).year == 1
    with pytest.raises(CertificateError):
        der.time_value(der.GENERALIZED_TIME, b"00001332000000Z", 0)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 70_000])
def test_what_is_encoded_reads_back_whole(size: int) -> None:
    data = der.encode(der.OCTET_STRING, bytes(size))
    tag, start, stop = der.element(data, 0, len(data))
    assert (tag, stop - start, stop) == (der.OCTET_STRING, size, len(data))


def test_an_object_identifier_of_a_giants_length_is_refused() -> None:
    assert der.oid_text(bytes.fromhex("2a864886f70d01010b")) == "1.2.840.113549.1.1.11"
    with pytest.raises(CertificateError, match="object identifier of 9001 bytes"):
        der.oid_text(b"\xff" * 9000 + b"\x01")
