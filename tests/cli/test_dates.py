"""Days on the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from detector import clock
from detector.cli.dates import last_day
from detector.errors import ConfigError


def test_today_is_a_last_day_and_yesterday_is_over() -> None:
    today = clock.now().date()
    assert last_day(today.isoformat()) == today
    assert last_day(None) is None
    with pytest.raises(ConfigError, match="is over; give a day to come"):
        last_day((today - timedelta(days=1)).isoformat())
