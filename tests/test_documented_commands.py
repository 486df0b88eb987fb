"""Each line of the docs that calls tlsight is one that the command tree takes: its verbs, options and values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from detector.cli.app import build
from detector.errors import TlsightError
from tests.documented import ROOT, Command, calls, pages, steps

TREE = build()
# What follows belongs to another program: mitmdump, or the one that is watched.
_PASSES_ON = ("bypass run", "explain --watch")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_names_verbs_and_options_that_there_are(page: Path) -> None:
    for step in steps(page):
        if isinstance(step, Command):
            for words in calls(step.text):
                assert (why := refused(words)) is None, (
                    f"{page.name}:{step.line}: {step.text}: {why}"
                )


@pytest.mark.parametrize(
    "line",
    ["check --no-such-option", "no-such-verb", "check --timeout", "trust why", "fleet publish one"],
)
def test_what_no_verb_takes_is_found(line: str) -> None:
    assert refused(line.split()) is not None


def test_commands_are_told_from_settings_and_output() -> None:
    page = ROOT / "docs/how-to/pins-and-policy.md"
    found = [step for step in steps(page) if isinstance(step, Command)]
    assert any(step.text.startswith("openssl x509") and "| base64" in step.text for step in found)
    assert not [step for step in found if step.text.startswith(("host =", "spki", "✓"))]
    (checked,) = (step for step in found if step.text == "tlsight pins check --pins pins.toml")
    assert not checked.excuse
    assert list(calls("a | tlsight x 'y z' > f && tlsight w  # tlsight v")) == [["x", "y z"], ["w"]]


def test_few_commands_cannot_be_run() -> None:
    found = [step for page in pages() for step in steps(page) if isinstance(step, Command)]
    excused = [step for step in found if step.excuse]
    assert len(found) > 200
    assert len(excused) < len(found) / 6


def refused(words: list[str]) -> str | None:
    """Why the tree takes no such call; None where it does."""
    command: Any = TREE
    rest = words
    if any(" ".join(words).startswith(one) for one in _PASSES_ON):
        return None
    try:
        while True:
            context = command.make_context("tlsight", list(rest))
            rest = [*getattr(context, "_protected_args", ()), *context.args]
            if not hasattr(command, "resolve_command") or not rest:
                return None
            _, command, rest = command.resolve_command(context, rest)
    except (click.ClickException, TlsightError) as error:
        return str(error)
