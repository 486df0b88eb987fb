"""The two programs that show manual pages read ours without a word."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.live.programs import find

pytestmark = pytest.mark.live
PAGES = sorted((Path(__file__).parents[2] / "docs/man").glob("*.1"))
# A page that changes with the product has no day of its own.
_NO_DAY = 'WARNING: missing date, using "": TH'


def test_mandoc_finds_nothing_to_warn_of() -> None:
    done = subprocess.run(
        [find("mandoc"), "-T", "lint", "-W", "warning", *PAGES], capture_output=True, text=True
    )
    lines = (done.stdout + done.stderr).splitlines()
    assert len(lines) == len(PAGES)
    assert [line for line in lines if _NO_DAY not in line] == []


def test_groff_sets_them_without_a_warning() -> None:
    done = subprocess.run(
        [find("groff"), "-ww", "-z", "-man", "-Kutf8", "-Tutf8", *PAGES],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_page_that_is_shown_has_its_words_where_they_belong() -> None:
    page = next(path for path in PAGES if path.name == "tlsight-check.1")
    shown = subprocess.run(
        [find("mandoc"), "-T", "ascii", "-O", "width=100", page], capture_output=True, text=True
    ).stdout.replace("\x08", "")
    lines = [line.strip() for line in shown.splitlines()]
    assert any("4 cannot write" in line for line in lines)
    assert "tlsight check --pin example.com=sha256//BASE64 example.com" in lines
