"""Names are compared by what they mean, never by how they are written."""

import pytest

from detector.chain.name_matching import as_read, normalised, relative_names, same_name
from tests.chain.resigning import joined, name, parts

PRINTABLE, UTF8, BMP, UNIVERSAL, TELETEX, IA5 = 0x13, 0x0C, 0x1E, 0x1C, 0x14, 0x16
PLAIN = name(("C", PRINTABLE, "US"), ("O", PRINTABLE, "Let's Encrypt"), ("CN", PRINTABLE, "R11"))


@pytest.mark.parametrize(
    "other",
    [
        name(("C", UTF8, "US"), ("O", UTF8, "Let's Encrypt"), ("CN", UTF8, "R11")),
        name(("C", BMP, "US"), ("O", UNIVERSAL, "Let's Encrypt"), ("CN", TELETEX, "R11")),
        name(("C", PRINTABLE, "us"), ("O", IA5, "LET'S ENCRYPT"), ("CN", PRINTABLE, "r11")),
        name(("C", PRINTABLE, " US"), ("O", UTF8, "Let's   Encrypt "), ("CN", UTF8, "R11")),
        name(("C", UTF8, "US"), ("O", UTF8, "Let's\u00a0Encrypt"), ("CN", UTF8, "\uff3211")),
        name(("C", UTF8, "US"), ("O", UTF8, "Let's\u200b Enc\u00adrypt"), ("CN", UTF8, "R11")),
    ],
    ids=["utf8", "wide", "case", "space", "compatibility", "invisible"],
)  # fmt: skip
def test_string_type_case_space_and_what_cannot_be_seen_make_no_other_name(other: bytes) -> None:
    assert same_name(PLAIN, other)
    assert as_read(PLAIN) == as_read(other)


@pytest.mark.parametrize(
    "other",
    [
        name(("C", PRINTABLE, "US"), ("O", PRINTABLE, "Lets Encrypt"), ("CN", PRINTABLE, "R11")),
        name(("C", PRINTABLE, "US"), ("O", PRINTABLE, "Let's Encrypt"), ("CN", PRINTABLE, "R12")),
        name(("C", PRINTABLE, "US"), ("OU", PRINTABLE, "Let's Encrypt"), ("CN", PRINTABLE, "R11")),
        name(("C", PRINTABLE, "US"), ("O", PRINTABLE, "Let's Encrypt")),
        name(("C", PRINTABLE, "US"), ("O", PRINTABLE, "Let'sEncrypt"), ("CN", PRINTABLE, "R11")),
    ],
    ids=["letter", "digit", "attribute", "shorter", "joined"],
)
def test_anything_that_can_be_read_makes_another_name(other: bytes) -> None:
    assert not same_name(PLAIN, other)
    assert as_read(PLAIN) != as_read(other)


def test_order_makes_another_name_but_reads_the_same() -> None:
    other = joined(0x30, parts(PLAIN)[::-1])
    assert not same_name(PLAIN, other)
    assert as_read(PLAIN) == as_read(other)


def test_inside_one_relative_name_order_means_nothing() -> None:
    country, organization, common = (parts(one)[0] for one in parts(PLAIN))
    one = joined(0x30, [joined(0x31, [country, organization]), joined(0x31, [common])])
    other = joined(0x30, [joined(0x31, [organization, country]), joined(0x31, [common])])
    assert same_name(one, other)
    assert not same_name(one, PLAIN)
    assert len(relative_names(one)) == 2


def test_a_value_never_passes_for_the_next_attribute() -> None:
    inner = normalised(name(("CN", UTF8, "b"))).partition("=")[2]
    forged = name(("O", UTF8, f"a/550403={inner}"))
    assert not same_name(forged, name(("O", UTF8, "a"), ("CN", UTF8, "b")))


def test_a_name_that_cannot_be_read_equals_itself_alone() -> None:
    broken = PLAIN[:-1]
    assert same_name(broken, broken)
    assert not same_name(broken, PLAIN)
    assert not same_name(broken, broken + b"\x00")
    assert as_read(broken).startswith("#")


def test_a_value_of_no_string_type_is_compared_octet_by_octet() -> None:
    one, other = name(("CN", 0x03, "\x00ab")), name(("CN", 0x03, "\x00AB"))
    assert not same_name(one, other)
    assert same_name(one, bytes(one))
