"""What is missing is named with its remedy."""

from __future__ import annotations

import pytest

from detector.errors import ConfigError
from detector.extras import demand


def test_a_library_that_is_missing_is_named_with_the_option_and_the_remedy() -> None:
    with pytest.raises(ConfigError, match="--recover: no_such_library is not installed") as caught:
        demand("--recover", "no_such_library", "recover")
    assert caught.value.remedy == "pip install 'tlsight[recover]'"


def test_one_that_is_there_is_no_matter() -> None:
    demand("--roots", "certifi", "none")
