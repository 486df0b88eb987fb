"""What a person writes for a rule: patterns and days."""

from __future__ import annotations

from datetime import date

import pytest

from addons.bypass.pattern import day, pattern_row, row_of
from detector.errors import ConfigError

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("a.com", {"host": "a.com"}),
        (".a.com", {"suffix": ".a.com"}),
        ("*.a.com", {"wildcard": "*.a.com"}),
        ("10.0.0.0/8", {"cidr": "10.0.0.0/8"}),
        ("192.0.2.1", {"cidr": "192.0.2.1"}),
        ("/a[0-9]+/", {"regex": "a[0-9]+"}),
        ("*", {}),
    ],
)
def test_a_pattern_means_one_kind_of_rule(text: str, row: dict[str, str]) -> None:
    assert pattern_row(text) == row


def test_a_day_is_a_date_or_so_many_days_from_today() -> None:
    assert day("2027-06-30", TODAY) == date(2027, 6, 30)
    assert day("90d", TODAY) == date(2027, 2, 21)
    for text in ("soon", "", "99999999999d"):
        with pytest.raises(ConfigError, match="is no day"):
            day(text, TODAY)


def test_a_field_of_a_wrong_kind_is_told() -> None:
    with pytest.raises(ConfigError, match="action"):
        row_of("a.com", action="explode")
