"""The audit trail shows every change of itself."""

from __future__ import annotations

import msgspec
import pytest

from addons.bypass.audit import GENESIS, AuditEntry, chained, first_break


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
