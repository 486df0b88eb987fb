"""The real official list verifies; nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.errors import ListError
from detector.knowledge.shipped import log_list_key
from detector.lab.ct_log import LabLog
from detector.lists.log_list import ListKey, parse_list, verify_list
from tests.lists.signing import EXPECTED, a_list, signed

REAL = Path(__file__).parents[1] / "data" / "log_list"
BODY = (REAL / "all_logs_list.json").read_bytes()
SIGNATURE = (REAL / "all_logs_list.sig").read_bytes()


def test_the_real_list_is_signed_by_the_shipped_key() -> None:
    verify_list(BODY, SIGNATURE, log_list_key())
    found = parse_list(BODY)
    assert (found.version, len(found.logs)) == ("89.25", 117)
    assert found.timestamp == datetime(2026, 8, 20, 13, 34, 57, tzinfo=UTC)
    assert sum(log.tiled for log in found.logs.values()) == 75
    assert all(log.url.startswith("https://") for log in found.logs.values())


@pytest.mark.parametrize("place", [0, 1000, len(BODY) // 2, len(BODY) - 1])
def test_one_flipped_bit_of_the_list_is_refused(place: int) -> None:
    body = bytearray(BODY)
    body[place] ^= 1
    with pytest.raises(ListError, match="not signed by its key"):
        verify_list(bytes(body), SIGNATURE, log_list_key())


@pytest.mark.parametrize("place", [0, 255, 511])
def test_one_flipped_bit_of_the_signature_is_refused(place: int) -> None:
    signature = bytearray(SIGNATURE)
    signature[place] ^= 1
    with pytest.raises(ListError, match="not signed by its key"):
        verify_list(BODY, bytes(signature), log_list_key())


@pytest.mark.parametrize("signature", [b"", b"x" * 511, SIGNATURE + b"x"])
def test_a_signature_of_another_length_is_refused(signature: bytes) -> None:
    with pytest.raises(ListError, match="not signed by its key"):
        verify_list(BODY, signature, log_list_key())


def test_another_key_in_our_own_file_is_noticed() -> None:
    for pem in (EXPECTED.pem, b"", b"-----BEGIN\n!!!\n"):
        with pytest.raises(ListError, match="is another one"):
            verify_list(BODY, SIGNATURE, ListKey(pem))


def test_a_list_ages_as_browsers_count() -> None:
    found = parse_list(a_list("2026-09-01", LabLog()))
    assert not found.is_stale(datetime(2026, 11, 10, 12, tzinfo=UTC))
    assert found.is_stale(datetime(2026, 11, 10, 12, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize("body", [b"", b"[]", b'{"operators": 1}', b"\xff"])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(ListError, match="no list of CT logs"):
        parse_list(body)


def test_a_list_of_the_tests_is_signed_by_the_key_of_the_tests() -> None:
    body = a_list("2026-11-20", LabLog())
    verify_list(body, signed(body), EXPECTED)
    with pytest.raises(ListError, match="more than"):
        verify_list(bytes(5 << 20), b"", EXPECTED)
