"""A clock that a test turns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

START = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()
