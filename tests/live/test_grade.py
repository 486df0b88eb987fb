"""Each interceptor gets the grade that its configuration says, and the page that people quote says the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.live.conftest import TABLES
from tests.live.grade_world import SETTINGS, Setting, judged, seen_behind
from tests.live.grades_page import PAGE, keep, letters

pytestmark = pytest.mark.live


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_an_interceptor_passes_and_fails_what_its_configuration_says(
    tmp_path: Path, setting: Setting
) -> None:
    found = judged(asyncio.run(seen_behind(setting, tmp_path / "grade")))
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
