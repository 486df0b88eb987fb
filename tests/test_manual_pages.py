"""Every verb has a manual page, which troff reads as it was meant."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Annotated

from detector.cli.app import build
from detector.cli.options import Option, Verbs

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))
manual_pages = importlib.import_module("manual_pages")
sys.path.remove(str(ROOT / "docs"))
PAGES = manual_pages.manual_pages()


def test_every_verb_has_a_page_and_no_page_is_left_over() -> None:
    tree = build()
    verbs = {f"tlsight-{name}.1" for name in tree.commands}
    assert verbs | {"tlsight.1", "tlsight-trust-why.1", "tlsight-bypass-feed-add.1"} <= set(PAGES)
    assert {path.name for path in (ROOT / "docs/man").iterdir()} == set(PAGES)


def test_a_page_says_how_the_verb_is_called_ends_and_is_set() -> None:
    page = PAGES["tlsight-check.1"]
    heads = [line.removeprefix(".SH ") for line in page.splitlines() if line.startswith(".SH ")]
    assert heads == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "ARGUMENTS", "OPTIONS", "EXIT STATUS", "ENVIRONMENT",
        "FILES", "EXAMPLES", "SEE ALSO",
    ]  # fmt: skip
    assert "\\fB\\-\\-timeout\\fR" in page
    assert "Default: 5.0. Variable: TLSIGHT_TIMEOUT." in page
    assert "[bold]" not in "".join(PAGES.values())


def test_no_word_of_the_help_is_obeyed() -> None:
    app = Verbs()

    @app.command("one")
    def one(path: Annotated[str, Option(help=".so /etc/passwd")] = "") -> None:
        """'br is said.

        \\fB and
          .sp 9
        """

    @app.command("two")
    def two() -> None: ...

    page = manual_pages.page(("tlsight", "one"), app.commands["one"])
    assert "\n\\&.so /etc/passwd\n" in page
    assert "\n\\&'br is said.\n" in page
    assert "\\efB and" in page
    assert ".sp 9" not in page.splitlines()


def test_pages_lead_to_each_other() -> None:
    for name, text in PAGES.items():
        seen = text.partition(".SH SEE ALSO\n")[2]
        named = [line.split()[1] for line in seen.splitlines() if line.startswith(".BR")]
        assert named, name
        assert {f"{one.replace(chr(92), '')}.1" for one in named} <= set(PAGES)
