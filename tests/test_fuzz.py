"""A short run of every fuzzer; `make fuzz` gives each a minute."""

import pytest

from tests.fuzz import PARSERS, fuzz


@pytest.mark.parametrize("name", PARSERS)
def test_foreign_bytes_give_a_value_or_our_own_error(name: str) -> None:
    _, count, trouble = fuzz(name, 0.1)
    assert count > 0
    assert trouble == ""
