"""The help flows to the terminal's width, and says everything once."""

from __future__ import annotations

import itertools
import re
from typing import Any

import click
import pytest

from detector.cli.app import build
from detector.cli.help_text import render, text_of
from detector.cli.values import CALLED, SOURCES
from tests.cli.test_examples import TREE

ROOT = build()


def helped(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], width: int) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    context = click.Context(ROOT, info_name="tlsight")
    command: Any = ROOT
    for word in words:
        command = command.commands[word]
        context = click.Context(command, parent=context, info_name=word)
    return render(context)


@pytest.mark.parametrize("width", [60, 80, 132, 200])
def test_no_line_is_wider_than_the_terminal_but_what_one_copies(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    for words in TREE:
        for line in helped(monkeypatch, words, width).splitlines():
            whole = (
                len(line.split()) == 1 or "tlsight" in line or line.startswith(("      --", "  -"))
            )
            assert len(line) <= width or whole, (words, line)


@pytest.mark.parametrize("width", [60, 80, 132, 200])
def test_paragraphs_fill_their_lines(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """The first word of a line would not have fitted on the one before."""
    for words in TREE:
        page = helped(monkeypatch, words, width)
        for paragraph in re.split(r"\n\n", page.partition("\nOptions\n")[0]):
            lines = paragraph.splitlines()
            if lines[0].startswith(("Usage", "Examples", "Arguments", "  ")):
                continue
            for line, after in itertools.pairwise(lines):
                assert len(line) + 1 + len(after.split()[0]) > width, (words, line)


def test_words_are_the_same_at_every_width(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in TREE:
        assert helped(monkeypatch, words, 60).split() == helped(monkeypatch, words, 200).split()


@pytest.mark.parametrize("words", TREE, ids=" ".join)
def test_no_markup_is_left_over(words: tuple[str, ...]) -> None:
    texts = [text_of(" ".join(words), TREE[words])]
    texts += [getattr(one, "help", None) or "" for one in TREE[words].params]
    assert not [text for text in texts if re.search(r"\[/?(bold|dim)\]|\[/\]|\\\[|\x08", text)]


def test_options_stand_under_what_their_group_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    page = helped(monkeypatch, ("check",), 100)
    titles = re.findall(r"^(\w[\w ]*)$", page, re.MULTILINE)
    assert titles == [
        "Examples", "Arguments", "Options", "How to get there", "What to compare with", "Output", "Everywhere",
    ]  # fmt: skip
    order = (
        "\nHow to get there\n",
        "  --proxy ",
        "\nWhat to compare with\n",
        "  --roots ",
        "\nOutput\n",
        "  --json ",
    )
    places = [page.rindex(one) for one in order]
    assert places == sorted(places)


def test_a_value_says_its_default_bounds_and_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    page = " ".join(helped(monkeypatch, ("check",), 100).split())
    assert (
        "--timeout N Seconds for each step. [default 5.0; 0.05 or more; or TLSIGHT_TIMEOUT]" in page
    )


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("diagnose",), "--for PROGRAM"),
        (("check",), "--starttls PROTOCOL"),
        (("check",), "--fail-on VERDICT"),
        (("explain",), "--side client|server"),
        (("pins", "export"), "--format FORMAT"),
    ],
)
def test_a_value_of_a_few_words_is_called_by_what_it_is(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], option: str
) -> None:
    assert option in helped(monkeypatch, words, 100)


def test_every_table_of_words_has_a_name_in_the_help() -> None:
    assert set(CALLED) == set(SOURCES)
