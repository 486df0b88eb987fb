"""The life of a rule by a clock that is a value."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.due import (
    THRESHOLDS,
    due,
    ending,
    life,
    nearing,
    stages,
    threshold,
    when,
)
from addons.bypass.reach import has_ended
from addons.bypass.rule import Action, Rule
from addons.store.stored import RuleState, StoredRule

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
TODAY = NOW.date()


def rule(
    expires: date | None, created: date | None = date(2026, 1, 1), action: Action = "pass"
) -> Rule:
    return Rule(host="bank.example", expires=expires, created=created, action=action, owner="net")


def stored(
    expires: date | None = None,
    state: RuleState = "approved",
    until: datetime | None = None,
    **more: object,
) -> StoredRule:
    return StoredRule(1, rule(expires, **more), state, until)  # type: ignore[arg-type]


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


def test_a_rule_goes_through_its_stages() -> None:
    one = stored(date(2026, 12, 31))
    told = [life(one, NOW + timedelta(days=n)).stage for n in (0, 16, 17, 31, 32)]
    assert told == ["approved", "approved", "expiring", "expiring", "ended"]
    assert life(stored(state="draft"), NOW).stage == "draft"
    assert life(stored(), NOW).stage == "approved"
    assert life(stored(), NOW).ends is None


def test_a_trial_is_over_when_its_own_end_or_its_rules_end_has_come() -> None:
    trial = stored(date(2027, 1, 1), "trial", NOW + timedelta(minutes=30))
    assert life(trial, NOW).stage == "trial"
    assert life(trial, NOW).ends == NOW + timedelta(minutes=30)
    assert life(trial, NOW + timedelta(minutes=30)).stage == "ended"
    assert life(stored(days(-1), "trial", NOW + timedelta(minutes=30)), NOW).stage == "ended"


def test_a_rule_whose_regex_is_not_in_force_says_why() -> None:
    one = StoredRule(1, Rule(regex="(?=a)b[.]example"), "approved", None)
    assert "look ahead" in (life(one, NOW).idle or "")
    assert life(stored(), NOW).idle is None


@given(st.integers(-30, 500), st.integers(0, 23))
def test_a_life_has_ended_exactly_when_the_matcher_says_so(left: int, hour: int) -> None:
    at = NOW.replace(hour=hour)
    by_day, by_moment = rule(days(left)), rule(at + timedelta(hours=left))
    for one in (by_day, by_moment):
        found = life(StoredRule(1, one, "approved", None), at)
        assert (found.stage == "ended") == has_ended(one, at)
        assert (found.ends is not None and found.ends <= at) == has_ended(one, at)


def test_words_count_days_by_the_calendar() -> None:
    said = [when(life(stored(days(n)), NOW)) for n in (-2, -1, 0, 1, 2)]
    assert said == [
        "ended 2 days ago",
        "ended 1 day ago",
        "ends today",
        "ends in 1 day",
        "ends in 2 days",
    ]
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    assert when(life(stored(midnight), NOW)) == "ends today"
    assert when(life(stored(NOW - timedelta(hours=1)), NOW)) == "ended today"
    assert when(life(stored(), NOW)) == ""


def test_due_is_what_ends_near_today_on_either_side_the_earliest_first() -> None:
    kept = [stored(days(n)) for n in (15, 14, 3, -14, -15)]
    kept += [stored(), stored(days(3), "draft"), stored(days(3), "trial", NOW + timedelta(hours=1))]
    found = due(kept, NOW)
    assert [one.life.days for one in found] == [-14, 3, 14]
    assert [one.life.days for one in due(kept, NOW, timedelta(days=15))] == [-15, -14, 3, 14, 15]


def test_due_says_who_must_act_and_what_the_end_means() -> None:
    (one,) = due([stored(days(2))], NOW)
    assert one.act == "net: renew it, or let it end"
    assert one.means == "its hosts are inspected from then on"
    (other,) = due(
        [
            StoredRule(
                1, Rule(host="a.example", expires=days(1), action="inspect"), "approved", None
            )
        ],
        NOW,
    )
    assert "nobody owns it" in other.act
    assert "may pass" in other.means


@pytest.mark.parametrize(
    ("left", "met"), [(15, None), (14, 14), (4, 14), (3, 3), (2, 3), (1, 1), (0, 1), (-1, None)]
)
def test_a_threshold_is_met_once_its_day_has_come(left: int, met: int | None) -> None:
    assert threshold(rule(days(left)), NOW) == met


def test_who_makes_a_rule_for_a_week_is_not_told_at_once_that_it_ends() -> None:
    week = rule(days(7), created=TODAY)
    assert threshold(week, NOW) is None
    assert threshold(week, NOW + timedelta(days=4)) == 3
    hours = rule(NOW + timedelta(hours=2), created=TODAY)
    assert threshold(hours, NOW) is None
    assert ending(hours, NOW) is None


def test_lint_says_what_the_end_will_do() -> None:
    text = ending(rule(days(3)), NOW)
    assert text == "It ends in 3 days, on 2026-12-03: its hosts are inspected from then on."
    assert ending(rule(days(15)), NOW) is None
    assert ending(rule(None), NOW) is None


def test_metrics_count_each_rule_at_every_threshold_that_it_is_within() -> None:
    kept = [stored(days(n)) for n in (0, 2, 10, 40, -1)]
    assert nearing(kept, NOW) == dict(zip(THRESHOLDS, (3, 2, 1), strict=True))
    assert stages(kept, NOW) == {"expiring": 3, "approved": 1, "ended": 1}
