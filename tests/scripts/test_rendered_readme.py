"""The README as PyPI is given it; `make dist` renders it with PyPI's own library."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import rendered_readme  # noqa: E402

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOME = PROJECT["project"]["urls"]["Homepage"]


def on_pypi(text: str) -> str:
    """What hatch-fancy-pypi-readme makes of it for version 1.2.3."""
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    for one in hook["substitutions"]:
        there = one["replacement"].replace("$HFPR_VERSION", "1.2.3")
        text = re.sub(one["pattern"], there, text)
    return text


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("![a\nb](docs/a.svg)", "![a\nb](https://raw.githubusercontent.com/tlsight/tlsight/v1.2.3/docs/a.svg)"),
        ("[a](docs/a.md#b)", f"[a]({HOME}/blob/v1.2.3/docs/a.md#b)"),
        ('<img src="a.svg">', '<img src="https://raw.githubusercontent.com/tlsight/tlsight/v1.2.3/a.svg">'),
        ("[a](#b) [c](https://example.org/x) [d](mailto:x@example.org)",) * 2,
    ],
)  # fmt: skip
def test_what_is_relative_leads_to_the_versions_own_file_and_the_rest_stays(
    here: str, there: str
) -> None:
    assert on_pypi(here) == there


def test_every_picture_and_link_of_the_readme_leads_to_a_file_of_ours_or_elsewhere() -> None:
    found = re.findall(r"\]\(([^)]+)\)", on_pypi((ROOT / "README.md").read_text()))
    assert len(found) > 10
    ours = [rendered_readme.ours(address, "1.2.3") for address in found]
    assert all(address.startswith(("https://", "#")) for address in found)
    assert {Path(one).suffix for one in ours if one} >= {".md", ".svg"}
    assert [one for one in ours if one and not (ROOT / one).exists()] == []


def test_all_addresses_of_the_project_are_below_one() -> None:
    assert all(url.startswith(HOME) for url in PROJECT["project"]["urls"].values())
    shown = on_pypi("![a](a.png)[a](a.md)")
    assert (
        re.findall(r"https://[^/]+(/[^/]+/[^/]+)/", shown)
        == [HOME.removeprefix("https://github.com")] * 2
    )
