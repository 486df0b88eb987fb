"""The table of what interceptors are graded by."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.grade_tests import grade_tests, load_grade_tests
from detector.knowledge.shipped import DATA


def test_ids_can_be_labels_of_names_and_every_row_names_who_asks_the_same() -> None:
    for row in grade_tests():
        assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", row.id)
        assert row.sources


def test_an_id_that_stands_twice_is_told_with_its_line(tmp_path: Path) -> None:
    row = (DATA / "grade_tests.toml").read_text().split("[[test]]")[1]
    path = tmp_path / "tests.toml"
    path.write_text(f"[[test]]{row}\n[[test]]{row}")
    with pytest.raises(ConfigError, match="'self-signed' stands twice"):
        load_grade_tests(path)
