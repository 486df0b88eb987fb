"""The extras that are told of are those of the distribution."""

from __future__ import annotations

import tomllib
from pathlib import Path

from detector.doctor.extras import EXTRAS


def test_every_extra_of_the_distribution_is_looked_for() -> None:
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
    assert set(EXTRAS) == set(project["project"]["optional-dependencies"])
