"""A CRLSet counts when its extension's own key signed it."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pytest

from detector.errors import ListError
from detector.lists.crlset import extension_id, parse_crx, parse_header
from tests.lists.signing import CRX_KEY, EXTENSION, LIST_KEY, a_crx, crx_of, spki

KEY = "A" * 43 + "="


def test_interception_keys_come_out_of_a_signed_set() -> None:
    crx = a_crx(9, KEY, BlockedInterceptionSPKIs=[KEY], NotAfter=1900000000, BlockedSPKIs=["x"])
    found = parse_crx(crx, EXTENSION)
    assert (found.sequence, found.known, found.blocked) == (9, ("00" * 32,), ("00" * 32,))
    assert found.expires is not None
    assert found.expires.year == 2030


def test_an_extensions_name_is_its_keys_digest() -> None:
    assert len(EXTENSION) == 32
    assert set(EXTENSION) <= set("abcdefghijklmnop")
    assert extension_id(spki(LIST_KEY)) != EXTENSION


def test_a_set_signed_by_another_key_is_refused() -> None:
    with pytest.raises(ListError, match="not signed by its extension's key"):
        parse_crx(a_crx(9, KEY, key=LIST_KEY), EXTENSION)
    with pytest.raises(ListError, match="not signed"):
        parse_crx(a_crx(9, KEY))


@pytest.mark.parametrize("place", [300, -1, -100])
def test_one_flipped_bit_is_refused(place: int) -> None:
    crx = bytearray(a_crx(9, KEY))
    crx[place] ^= 1
    with pytest.raises(ListError, match="CRLSet"):
        parse_crx(bytes(crx), EXTENSION)


@pytest.mark.parametrize("size", [0, 3, 4, 11, 12, 40, 600])
def test_a_cut_file_is_refused(size: int) -> None:
    with pytest.raises(ListError, match="CRLSet"):
        parse_crx(a_crx(9, KEY)[:size], EXTENSION)


def test_a_signed_archive_without_a_set_is_refused() -> None:
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("other", b"x")
    for content in (packed.getvalue(), b"no zip"):
        with pytest.raises(ListError, match="archive cannot be read"):
            parse_crx(crx_of(content, CRX_KEY), EXTENSION)


@pytest.mark.parametrize("data", [b"", b"\x02\x00{}", b"\xff\xff{", b'\x12\x00{"Sequence": "one"}'])
def test_a_broken_header_is_refused(data: bytes) -> None:
    with pytest.raises(ListError, match="header cannot be read"):
        parse_header(data)
    with pytest.raises(ListError, match="header cannot be read"):
        parse_crx(a_crx(9, "AAAA"), EXTENSION)
