"""The shipped lines belong to known causes, and a broken table says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.causes import cause_table
from detector.knowledge.fixes import PROGRAMS, config_lines, load_fixes


def test_causes_that_a_servers_settings_mend_have_lines() -> None:
    config = config_lines()
    assert set(config) <= set(cause_table())
    for cause in (
        "certificate-expired",
        "incomplete-chain",
        "version-mismatch",
        "weak-cipher-only",
    ):
        assert set(config[cause]) == set(PROGRAMS), cause


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[a]\nnginx = "x"\n', r"\[a\]"),
        ('[a]\ncauses = ["x"]\nnginks = "x"\n', "nginks"),
        ("[a\n", "fixes.toml"),
    ],
)
def test_a_table_that_makes_no_sense_is_told(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "fixes.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why):
        load_fixes(path)
