"""Who decided what about a rule, as the trail tells it, of whatever age its entries are."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from addons.bypass.audit import AuditEntry
from addons.bypass.biography import approval, biographies
from addons.bypass.learning import Candidate
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from tests.addons.conftest import START, Clock


def entry(number: int, action: str, subject: str, details: object, by: str = "ann") -> AuditEntry:
    said = msgspec.json.encode(details).decode()
    return AuditEntry(
        number, "2026-11-01T00:00:00+00:00", by, action, subject, said, f"digest-{number}"
    )


def row(host: str) -> RuleRow:
    return RuleRow(host=host, owner="net", reason="x", expires=date(2027, 1, 1))


def test_a_life_in_a_store_is_told_in_order_with_what_was_there_after_each_decision(
    tmp_path: Path, clock: Clock
) -> None:
    with BypassStore(tmp_path / "b.sqlite3", clock, "ann") as store:
        store.add_rule(row("a.example"))
        store.renew_rule("a.example", date(2027, 6, 1), "still pinned")
        store.expire_rule("a.example", "moved")
        store.remove_rule("a.example", "tidy")
        store.undo(4)
        found = biographies(store.audit())["a.example"]
        digests = [one.digest for one in store.audit()]
    told = [(one.action, one.state, one.why) for one in found]
    assert told == [
        ("add", "approved", ""),
        ("renew", "approved", "still pinned"),
        ("expire", "approved", "moved"),
        ("remove", "gone", "tidy"),
        ("undo", "approved", ""),
    ]
    assert [one.digest for one in found] == digests
    assert found[1].after is not None
    assert found[1].after.expires == date(2027, 6, 1)
    assert all(one.by == "ann" and one.uid is not None for one in found)


def test_an_import_is_in_the_life_of_each_of_its_rules(tmp_path: Path, clock: Clock) -> None:
    with BypassStore(tmp_path / "b.sqlite3", clock, "bob") as store:
        store.import_rules([row(f"a{n}.example") for n in range(1500)], "list.toml")
        found = biographies(store.audit())
    assert len(found) == 1500
    first = approval(found["a0.example"])
    last = approval(found["a1499.example"])
    assert first is not None
    assert last is not None
    assert (first.number, last.number, last.by) == (1, 2, "bob")


def test_a_draft_is_approved_by_who_approved_it_not_by_who_wrote_it(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "b.sqlite3"
    with BypassStore(path, clock, "ann") as store:
        store.draft_rule(row("a.example"))
        assert approval(biographies(store.audit())["a.example"]) is None
    with BypassStore(path, clock, "bob") as store:
        store.approve_draft("a.example", by_another=True)
        found = approval(biographies(store.audit())["a.example"])
    assert found is not None
    assert (found.by, found.action) == ("bob", "approve-draft")


def test_a_trial_is_nobodys_approval(tmp_path: Path, clock: Clock) -> None:
    candidate = Candidate(
        "a.example", "certificate-pinned", 3.0, ("10.0.0.1",), START, START, "pins"
    )
    with BypassStore(tmp_path / "b.sqlite3", clock) as store:
        store.propose(candidate)
        store.try_out(candidate, RuleRow(host="a.example"), START + timedelta(minutes=30))
        (one,) = biographies(store.audit())["a.example"]
    assert (one.action, one.state) == ("trial", "trial")
    assert approval([one]) is None


OLD = {"host": "a.example"}


@pytest.mark.parametrize(
    ("action", "details", "state"),
    [
        ("add", OLD, "approved"),
        ("approve", OLD, "approved"),
        ("import", {"rows": [OLD], "count": 1}, "approved"),
        ("import", {"patterns": ["a.example"], "count": 1}, "approved"),
        ("trial", {"row": OLD, "until": "2026-11-01T00:30:00+00:00"}, "trial"),
        ("expire", {"row": OLD}, "approved"),
        ("expire", {"why": "x"}, "unsaid"),
        ("remove", {"why": "x"}, "gone"),
        ("adopt", {"part": 1, "parts": 1, "rows": [{"row": OLD}], "candidates": {}}, "approved"),
    ],
)
def test_entries_of_old_are_read(action: str, details: object, state: str) -> None:
    (one,) = biographies([entry(7, action, "a.example", details)])["a.example"]
    assert (one.number, one.state, one.digest, one.uid) == (7, state, "digest-7", None)


@pytest.mark.parametrize(
    "details",
    ["x", [], {}, {"set": 1, "gone": []}, {"set": [{"row": {"host": 3}}], "gone": []}, None],
)
def test_what_cannot_be_read_is_left_out(details: object) -> None:
    others = ("add", "import", "trial", "adopt")
    assert biographies([entry(1, action, "a.example", details) for action in others]) == {}
    broken = AuditEntry(1, "x", "x", "add", "a.example", "{", "x", who="{")
    assert biographies([broken]) == {}
