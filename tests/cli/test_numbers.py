"""Numbers that no range can hold."""

from __future__ import annotations

import pytest

from detector.cli.numbers import finite
from detector.cli.options import BadParameter


@pytest.mark.parametrize("value", [None, 0.05, 5.0])
def test_a_number_is_left_as_it_is(value: float | None) -> None:
    assert finite(value) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_cannot_be_counted_with_is_refused(value: float) -> None:
    with pytest.raises(BadParameter, match="is no number to count with"):
        finite(value)
