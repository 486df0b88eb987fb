from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.hosts import host_pattern, key_digest


@pytest.mark.parametrize(
    ("text", "expected"),
    [("*", "*"), (".A.com", ".a.com"), ("*.a.com.", "*.a.com"), ("[::1]", "::1")],
)
def test_patterns_are_normalised(text: str, expected: str) -> None:
    assert host_pattern(Path("x"), text).text == expected


@pytest.mark.parametrize(
    "text",
    ["sha256//" + "A" * 43 + "=", "sha256/" + "A" * 43 + "=", "0" * 64],
)
def test_three_ways_to_write_a_digest(text: str) -> None:
    assert key_digest("x", text) == "0" * 64


@pytest.mark.parametrize("text", ["", "sha256//A", "0" * 63, "sha1//" + "A" * 43 + "="])
def test_other_ways_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no key digest"):
        key_digest("x", text)
