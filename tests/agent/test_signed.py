"""Lists that a fleet signs: what an agent takes, and all that it does not."""

from __future__ import annotations

import secrets
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from detector.agent.signed import (
    MAX_BLOB,
    MAX_CONTENT,
    judged,
    public_signer,
    seal,
    signer_of,
    unseal,
)
from detector.errors import ListError

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECRET = "11" * 32
SIGN, SIGNER = signer_of(SECRET), public_signer(SECRET)


def made(name: str = "canaries", serial: int = 1, content: bytes = b"a", days: float = 1) -> bytes:
    return seal(name, serial, NOW, NOW + timedelta(days=days), content, SIGN)


def test_what_was_sealed_is_unsealed_with_all_that_was_said_of_it() -> None:
    content = secrets.token_bytes(1000) * 500
    found = unseal("canaries", made(serial=7, content=content), SIGNER)
    assert (found.name, found.serial, found.issued, found.content) == ("canaries", 7, NOW, content)


@pytest.mark.parametrize("at", range(0, 420, 7))
def test_a_blob_with_any_bit_changed_is_refused_or_says_the_same(at: int) -> None:
    blob = bytearray(made())
    at %= len(blob)
    blob[at] ^= 1
    try:
        found = unseal("canaries", bytes(blob), SIGNER)
    except ListError:
        return
    assert (found.serial, found.content, found.until) == (1, b"a", NOW + timedelta(days=1))


def test_a_list_under_another_name_or_of_another_key_is_refused() -> None:
    with pytest.raises(ListError, match="is the list 'canaries'"):
        unseal("bypass", made(), SIGNER)
    with pytest.raises(ListError, match="another key"):
        unseal("canaries", made(), public_signer("22" * 32))


def test_a_later_serial_is_taken_an_older_one_and_another_content_of_the_same_are_not() -> None:
    five = unseal("canaries", made(serial=5), SIGNER)
    assert judged(five, None, NOW) == "taken"
    assert judged(unseal("canaries", made(serial=6), SIGNER), five, NOW) == "taken"
    assert judged(unseal("canaries", made(serial=5, days=9), SIGNER), five, NOW) == "same"
    for wrong in (made(serial=4), made(serial=5, content=b"b")):
        with pytest.raises(ListError):
            judged(unseal("canaries", wrong, SIGNER), five, NOW)


def test_a_list_that_ended_is_refused() -> None:
    one = unseal("canaries", made(days=1), SIGNER)
    with pytest.raises(ListError, match="ended"):
        judged(one, None, NOW + timedelta(days=1))


def test_a_bomb_is_not_unpacked_and_what_follows_the_end_is_refused() -> None:
    with pytest.raises(ListError, match="may have"):
        made(content=bytes(MAX_CONTENT + 1))
    head = made().partition(b"\n")[0]
    for packed in (
        zlib.compress(bytes(MAX_CONTENT * 4)),
        zlib.compress(b"a") + b"more",
        zlib.compress(b"a")[:-3],
    ):
        with pytest.raises(ListError):
            unseal("canaries", head + b"\n" + packed, SIGNER)
    with pytest.raises(ListError, match="larger than"):
        unseal("canaries", bytes(MAX_BLOB + 1), SIGNER)
