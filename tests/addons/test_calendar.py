"""The calendar, read by another library than the one that wrote it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import vobject
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.bypass.due import due
from addons.bypass.rule import Rule
from addons.cli.calendar import calendar, uid
from addons.store.stored import StoredRule

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


def written(*rules: Rule, revisions: dict[str, int] | None = None) -> bytes:
    kept = [StoredRule(1, one, "approved", None) for one in rules]
    return calendar(due(kept, NOW, timedelta(days=400)), NOW, "0" * 64, revisions or {})


def events(data: bytes) -> list[Any]:
    (read,) = vobject.readComponents(data.decode())
    return list(read.contents.get("vevent", []))


def bank(**fields: Any) -> Rule:
    return Rule(host="bank.example", **{"expires": date(2026, 12, 24), "owner": "net", **fields})


def test_an_event_is_on_the_last_day_and_takes_nobodys_time() -> None:
    (one,) = events(written(bank(reason="pinned app")))
    assert one.dtstart.value == date(2026, 12, 24)
    assert one.dtend.value == date(2026, 12, 25)
    assert one.transp.value == "TRANSPARENT"
    assert one.summary.value == "Bypass rule ends: pass bank.example"
    assert "Owner: net" in one.description.value.splitlines()
    assert "Reason: pinned app" in one.description.value.splitlines()


def test_it_has_an_alarm_at_each_threshold() -> None:
    (one,) = events(written(bank()))
    assert [alarm.trigger.value for alarm in one.valarm_list] == [
        timedelta(days=-14),
        timedelta(days=-3),
        timedelta(days=-1),
    ]


def test_a_renewed_rule_moves_its_event() -> None:
    (before,) = events(written(bank()))
    (after,) = events(written(bank(expires=date(2027, 3, 1)), revisions={"bank.example": 7}))
    assert before.uid.value == after.uid.value
    assert (before.sequence.value, after.sequence.value) == ("0", "7")
    assert after.dtstart.value == date(2027, 3, 1)


def test_stores_and_rules_have_events_of_their_own() -> None:
    assert len({uid("a", "x.example"), uid("b", "x.example"), uid("a", "y.example")}) == 3


def test_a_moment_is_an_event_of_its_day() -> None:
    (one,) = events(written(bank(expires=datetime(2026, 12, 24, 18, tzinfo=UTC))))
    assert one.dtstart.value == date(2026, 12, 24)
    assert "Last day: 2026-12-24T18:00Z" in one.description.value


HOSTILE = "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil\nATTACH:file:///etc/passwd;a,b\\n\u2028\x00"


def test_what_people_wrote_makes_no_lines_of_its_own() -> None:
    data = written(bank(reason=HOSTILE, owner=HOSTILE, ticket=HOSTILE))
    (one,) = events(data)
    assert "evil" not in one.uid.value
    assert "attach" not in one.contents
    assert data.count(b"\r\nBEGIN:VEVENT\r\n") == 1
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))


@settings(max_examples=25)
@given(st.text(max_size=120), st.text(max_size=120))
def test_any_text_comes_through_as_one_event(reason: str, owner: str) -> None:
    (one,) = events(written(bank(reason=reason, owner=owner)))
    assert one.dtstart.value == date(2026, 12, 24)
    assert len(one.description.value.split("\n")) == 5
