"""A broken table of causes says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.causes import load_causes
from detector.knowledge.shipped import DATA


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            'id = "dns-failure"',
            'id = "silent-drop"',
            r"causes.toml:\d+: 'silent-drop' stands twice",
        ),
        (
            'beside = ["captive-portal"]',
            'beside = ["x"]',
            r"causes.toml:\d+: 'x' is no known cause",
        ),
        ('party = "network"', 'party = "nobody"', r"causes.toml:\d+: Invalid enum value"),
        ('step = "dns"', 'step = "cloud"', r"causes.toml:\d+: Invalid enum value"),
        ('step = "dns"', 'stage = "dns"', r"causes.toml:\d+: Object "),
    ],
)
def test_a_row_that_makes_no_sense_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    path = tmp_path / "causes.toml"
    path.write_text((DATA / "causes.toml").read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=why):
        load_causes(path)
