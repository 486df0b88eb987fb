"""Values that have an effect."""

from __future__ import annotations

import pytest

from detector.auditing.obeyed import obeys
from detector.knowledge.programs import programs


@pytest.mark.parametrize(
    ("when", "value", "expected"),
    [("", "x", True), ("false|0", " FALSE ", True), ("false|0", "no", False), ("0", "00", False)],
)
def test_the_whole_value_is_compared_with_letters_of_any_case(
    when: str, value: str, expected: bool
) -> None:
    assert obeys(when, value) == expected


def test_every_shipped_row_is_an_expression_that_takes_linear_time() -> None:
    for program in programs().values():
        for row in (*program.setting, *program.unsafe):
            assert obeys(row.when, "x" * 100_000) in (True, False)
