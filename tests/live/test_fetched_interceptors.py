"""Interceptors that are fetched get the grades that their configurations say, as those that are installed."""

from __future__ import annotations

import pytest

from tests.live.fetched_interceptors import FETCHED
from tests.live.grade_world import Setting
from tests.live.held_grades import hold

pytestmark = [pytest.mark.live, pytest.mark.online, pytest.mark.timeout(400)]


@pytest.mark.parametrize("setting", FETCHED, ids=lambda one: one.name)
def test_a_fetched_interceptor_passes_and_fails_what_its_configuration_says(
    setting: Setting,
) -> None:
    hold(setting)
