"""The docs keep up with the product: links lead somewhere, lists are complete, help is current."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import detector.evidence.rules

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / n for n in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_kind_of_evidence_is_in_the_reference() -> None:
    listed = set(
        re.findall(
            r"^\| ([a-z-]+) \|", (ROOT / "docs/reference/evidence.md").read_text(), re.MULTILINE
        )
    )
    for module in pkgutil.iter_modules(detector.evidence.rules.__path__):
        assert module.name.replace("_", "-") in listed


def test_the_commands_page_is_the_commands_help() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        generate = importlib.import_module("generate")
        page = generate.command_page()
    finally:
        sys.path.remove(str(ROOT / "docs"))
    assert (ROOT / "docs/reference/command.md").read_text() == page, "run make docs"


def test_the_page_of_causes_is_the_table() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        page = importlib.import_module("generate").causes_page()
    finally:
        sys.path.remove(str(ROOT / "docs"))
    assert (ROOT / "docs/reference/causes.md").read_text() == page, "run make docs"


def test_the_page_of_alerts_is_the_table() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        page = importlib.import_module("generate").alerts_page()
    finally:
        sys.path.remove(str(ROOT / "docs"))
    assert (ROOT / "docs/reference/alerts.md").read_text() == page, "run make docs"


def test_pictures_load_nothing_from_elsewhere() -> None:
    for picture in (ROOT / "docs/pictures").glob("*.svg"):
        text = picture.read_text()
        assert "@import" not in text
        assert "url(http" not in text.replace("url(#", "")


def test_the_makefile_has_every_command_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"(?:`|^    )make ([a-z]+)", page.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page.name}: make {target}"
