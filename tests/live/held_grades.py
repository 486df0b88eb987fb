"""A grade that was measured, held against what the configuration and the page say."""

from __future__ import annotations

import asyncio

from tests.live.conftest import TABLES
from tests.live.grade_world import Setting, judged, seen_behind
from tests.live.grades_page import PAGE, keep, letters


def hold(setting: Setting) -> None:
    """Start the interceptor, grade it, and compare. Raises AssertionError."""
    found = judged(asyncio.run(seen_behind(setting)))
    keep(setting, found)
    outcomes = {one.test: one.outcome for one in found.answers}
    TABLES.setdefault("interceptors, graded", {})[setting.name] = {
        "grade": str(found.letter), "decided by": ", ".join(found.reasons[:3]),
    }  # fmt: skip
    told = {one.test: f"{one.outcome}: {one.seen}" for one in found.answers}
    expected = {
        **dict.fromkeys(setting.refuses, "passed"),
        **dict.fromkeys(setting.accepts, "failed"),
        **dict.fromkeys(setting.passes_on, "passed-on"),
    }
    wrong = {test: told[test] for test, outcome in expected.items() if outcomes[test] != outcome}
    assert wrong == {}
    assert found.letter == setting.letter
    assert letters(PAGE.read_text(encoding="utf-8"))[setting.name] == found.letter
