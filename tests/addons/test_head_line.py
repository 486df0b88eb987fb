"""One line for a log of others, and found again whatever else is in it."""

from __future__ import annotations

from addons.bypass.audit import AuditEntry, Head
from addons.bypass.head_line import head_line, heads_in

HEAD = Head(7, "ab" * 32, "cd" * 32, "ef" * 64)


def line(subject: str = "a.example", by: str = "ann", store: str = "h:/b", host: str = "gw") -> str:
    entry = AuditEntry(7, "2026-11-23T09:00:00+00:00", by, "add", subject, "{}", HEAD.digest)
    return head_line(HEAD, entry, store=store, host=host, process=5).decode()


def test_what_a_person_wrote_forges_neither_a_second_line_nor_a_field() -> None:
    said = line("x\n<85>1 - - - - - forged", 'ann\x1b[2J"]', host="g w\n")
    assert said.isprintable()
    assert said.startswith("<85>1 2026-11-23T09:00:00+00:00 gw tlsight 5 bypass-audit [")
    assert len(line("x" * 9000)) < 700


def test_a_store_of_any_name_is_found_by_it() -> None:
    for store in ("h:/b", 'h:/a "quoted] \\ name', "h:/a\nb"):
        logged = ["Nov 23 gw other: noise", f"Nov 23 {line(store=store)}", line(store="h:/another")]
        assert list(heads_in(logged, store, ())) == [HEAD]


def test_a_store_that_moved_is_found_by_its_key() -> None:
    assert list(heads_in([line()], "h:/elsewhere", ())) == []
    assert list(heads_in([line()], "h:/elsewhere", (HEAD.key,))) == [HEAD]


def test_a_line_that_was_cut_is_none() -> None:
    assert list(heads_in([line()[:300]], "h:/b", ())) == []
