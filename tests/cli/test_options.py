"""A function's annotations become what a verb takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from click.testing import CliRunner

from detector.cli.options import Argument, BadParameter, Context, Option, Verb, Verbs

Given = dict[str, Any]


def given(function: Any, *words: str) -> Given:
    """What the function is called with."""
    done = CliRunner().invoke(Verb.of(function), list(words), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    found: Given = done.return_value
    return found


def verb(
    files: Annotated[list[Path] | None, Argument()] = None,
    names: Annotated[list[str] | None, Option("--name")] = None,
    count: Annotated[int, Option(min=1, max=9)] = 3,
    kind: Annotated[Literal["a", "b"] | None, Option()] = None,
    sure: Annotated[bool | None, Option("--sure/--unsure")] = None,
    pair: Annotated[tuple[str, str] | None, Option()] = None,
    shell: Annotated[str | None, Option(alone="mine")] = None,
) -> Given:
    return locals()


def test_what_is_not_given_is_the_signatures_default() -> None:
    assert given(verb) == {
        "files": None, "names": None, "count": 3, "kind": None, "sure": None, "pair": None, "shell": None,
    }  # fmt: skip


def test_values_are_of_the_annotated_types() -> None:
    words = (
        "x",
        "y",
        "--name",
        "1",
        "--name",
        "2",
        "--count",
        "9",
        "--kind",
        "b",
        "--unsure",
        "--pair",
        "p",
        "q",
    )
    assert given(verb, *words) == {
        "files": [Path("x"), Path("y")], "names": ["1", "2"], "count": 9, "kind": "b", "sure": False,
        "pair": ("p", "q"), "shell": None,
    }  # fmt: skip


def test_an_option_may_stand_alone_where_that_has_a_meaning() -> None:
    assert given(verb, "--shell")["shell"] == "mine"
    assert given(verb, "--shell", "zsh")["shell"] == "zsh"


@pytest.mark.parametrize("words", [("--count", "10"), ("--count", "x"), ("--kind", "c")])
def test_what_does_not_fit_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(BadParameter):
        given(verb, *words)


def test_a_context_is_clicks() -> None:
    def asks(context: Context) -> str | None:
        return context.info_name

    assert given(asks) == "asks"


def test_a_group_that_does_something_alone_is_called() -> None:
    called = []
    app = Verbs("app")
    app.itself(alone=True)(lambda: called.append("app"))
    CliRunner().invoke(app, [])
    assert called == ["app"]
