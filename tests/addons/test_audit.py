"""The audit trail shows every change of itself."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from addons.bypass.audit import (
    GENESIS,
    AuditEntry,
    breaks,
    chained,
    first_break,
    is_signed,
    signed_text,
)


def trail(count: int) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    digest = GENESIS
    for number in range(1, count + 1):
        fields = ("2026-11-23T09:00:00+00:00", "ann", "add", f"{number}.example", "{}")
        digest = chained(digest, *fields)
        found.append(AuditEntry(number, *fields, digest))
    return found


def test_an_untouched_trail_holds() -> None:
    assert first_break(trail(5)) is None
    assert first_break([]) is None


@pytest.mark.parametrize("field", ["at", "by", "action", "subject", "details", "digest"])
def test_a_changed_field_breaks_the_chain_at_its_entry(field: str) -> None:
    entries = trail(5)
    entries[2] = msgspec.structs.replace(entries[2], **{field: "changed"})
    assert "entry 3 was changed" in (first_break(entries) or "")


def test_an_entry_that_is_missing_added_or_moved_breaks_it() -> None:
    entries = trail(5)
    assert first_break(entries[:2] + entries[3:]) == "entry 3 is missing"
    assert first_break([entries[0], *entries]) == "entry 2 is missing"
    forged = msgspec.structs.replace(entries[3], number=3)
    assert "changed" in (first_break([*entries[:2], forged]) or "")


def test_who_rewrites_one_entry_must_rewrite_all_behind_it() -> None:
    entries = trail(3)
    fields = (entries[0].at, "mallory", "add", "evil.example", "{}")
    entries[0] = AuditEntry(1, *fields, chained(GENESIS, *fields))
    assert "entry 2" in (first_break(entries) or "")


def test_every_fault_is_told_until_a_place_is_empty() -> None:
    entries = trail(6)
    for place in (1, 3):
        entries[place] = msgspec.structs.replace(entries[place], by="mallory")
    assert [number for number, _ in breaks(entries)] == [2, 4]
    assert [number for number, _ in breaks(entries[:4] + entries[5:])] == [2, 4, 5]


def test_who_ran_the_process_is_part_of_the_digest() -> None:
    fields = ("2026-11-23T09:00:00+00:00", "ann", "add", "a.example", "{}")
    digests = {chained(GENESIS, *fields, who) for who in (None, "{}", '{"uid":0}')}
    assert len(digests) == 3


def test_a_signature_is_of_one_number_one_digest_and_one_key() -> None:
    secret, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    key, another = (one.public_key().public_bytes_raw().hex() for one in (secret, other))
    digest = "ab" * 32
    signature = secret.sign(signed_text(7, digest)).hex()
    turned = f"{int(signature[:2], 16) ^ 1:02x}{signature[2:]}"
    assert is_signed(7, digest, signature, key)
    for wrong in (
        (8, digest, signature, key),
        (7, "cd" * 32, signature, key),
        (7, digest, turned, key),
        (7, digest, signature, another),
        (7, digest, "no hex", key),
        (7, digest, signature, "short"),
    ):
        assert not is_signed(*wrong)
