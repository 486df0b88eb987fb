"""The help of a verb, as text that flows to the terminal's width.

Theory of operation
-------------------
A verb's text is paragraphs, with an empty line between. One whose lines are indented is a list of command lines, each
with what it does two spaces or more behind it; those lines are left whole, to be copied. Every other paragraph flows,
however its lines were broken. HEADINGS alone in a paragraph, or at its beginning, are
headings. Options stand under the titles of their groups, those without under "Options".
"""

from __future__ import annotations

import inspect
import itertools
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click

from detector.cli import everywhere
from detector.cli.color import allowed
from detector.cli.values import CALLED
from detector.report.colours import COLOURS

FILE = Path(__file__).parents[1] / "data" / "examples.toml"
_LEAST, _MOST = 40, 200
_MOST_OF_A_GROUP = 5
_TERM_MOST = 30  # columns of an option's names; what is longer has its text beneath
# Sections of a verb's text.
HEADINGS = ("Examples", "Exit codes", "Lists")
_HEADING = re.compile(rf"^({'|'.join(HEADINGS)})\b")
_WORDS = {"path": "FILE", "integer": "N", "float": "N", "text": "TEXT"}


def render(context: click.Context) -> str:
    """The help of the context's verb."""
    command = context.command
    width = _width()
    style = _Style(on=allowed(sys.stdout, os.environ))
    parts = [_usage(context, width, style)]
    path = context.command_path.partition(" ")[2]
    parts += _paragraphs(text_of(path, command), width, style)
    sections = list(_sections(command, context))
    longest = min(
        max((len(term) for _, rows in sections for term, _ in rows), default=0), _TERM_MOST
    )
    parts += [
        style.heading(title) + "\n" + "\n".join(_rows(rows, longest, width, style))
        for title, rows in sections
    ]
    return "\n\n".join(parts)


def text_of(path: str, command: click.Command) -> str:
    """A verb's text, with examples: its own, or those of data/examples.toml; a group's are its verbs' first ones.

    Args:
        path: the words that call it, "tlsight" left out.
        command: the verb.

    """
    text = inspect.cleandoc(command.help or "")
    found = [] if re.search(r"(?m)^Examples\b", text) else examples(path, command)
    return f"{text}\n\nExamples\n\n" + "\n".join(f"  {line}" for line in found) if found else text


def examples(path: str, command: click.Command) -> list[str]:
    """Command lines, each with what it does two spaces behind it, or nothing."""
    own = re.split(r"(?m)^Examples\b.*\n", inspect.cleandoc(command.help or ""), maxsplit=1)
    if len(own) > 1:
        lines = itertools.takewhile(
            lambda line: not line or line.startswith(" "), own[1].splitlines()
        )
        return [line.strip() for line in lines if line.strip()]
    shipped = _shipped()
    if path in shipped or not isinstance(command, click.Group):
        return shipped.get(path, [])
    below = [examples(f"{path} {name}".strip(), one)[:1] for name, one in command.commands.items()]
    return [line for one in below for line in one][:_MOST_OF_A_GROUP] if path else []


@cache
def _shipped() -> dict[str, list[str]]:
    import tomllib

    with FILE.open("rb") as file:
        return tomllib.load(file)


class _Style:
    def __init__(self, *, on: bool) -> None:
        self._on = on

    def heading(self, text: str) -> str:
        return self._in("1", text)

    def term(self, text: str) -> str:
        return self._in(f"38;5;{COLOURS['cyan']}", text)

    def aside(self, text: str) -> str:
        return self._in(f"38;5;{COLOURS['dim']}", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on and text else text


def _width() -> int:
    return min(max(shutil.get_terminal_size().columns, _LEAST), _MOST)


def _usage(context: click.Context, width: int, style: _Style) -> str:
    words = " ".join(context.command.collect_usage_pieces(context))
    before = f"Usage: {context.command_path} "
    indent = " " * (len(before) if len(before) < width // 2 else 8)
    flowed = _flow(before + words, width, "", indent)
    return style.heading("Usage:") + "\n".join(flowed).removeprefix("Usage:")


def _paragraphs(text: str, width: int, style: _Style) -> Iterator[str]:
    title = ""
    for block in re.split(r"\n[ \t]*\n", inspect.cleandoc(text)):
        if not block.strip():
            continue
        lines = block.splitlines()
        if all(line.startswith("  ") for line in lines):
            yield title + "\n".join(_commands([line.strip() for line in lines], width, style))
            title = ""
            continue
        flowed = "\n".join(_flow(" ".join(block.split()), width))
        heading = _HEADING.match(flowed)
        if heading and heading[0] == flowed:
            title = style.heading(flowed) + "\n"
        elif heading:
            yield style.heading(heading[0]) + flowed[heading.end() :]
        else:
            yield flowed


def _commands(lines: list[str], width: int, style: _Style) -> Iterator[str]:
    """Command lines, left whole, with what they do behind them, or beneath where there is no room."""
    split = [re.split(r"[ ]{2,}", line, maxsplit=1) for line in lines]
    fitting = [len(one[0]) for one in split if len(one) > 1 and len(one[0]) <= width // 2]
    column = max(fitting, default=0) + 4
    for command, *what in split:
        if not what:
            yield f"  {command}"
        elif len(command) + 4 <= column:
            first, *more = _flow(what[0], width, " " * column)
            yield f"  {command}{' ' * (column - len(command) - 2)}{style.aside(first.strip())}"
            yield from map(style.aside, more)
        else:
            yield f"  {command}"
            yield from map(style.aside, _flow(what[0], width, " " * column))


def _sections(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Titles, and rows of names and text: arguments, the verb's own options, the groups, the verbs."""
    found: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    shared: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        if getattr(parameter, "hidden", False):
            continue
        text = " ".join((getattr(parameter, "help", None) or "").split())
        if isinstance(parameter, click.Argument):
            extra = _extra(parameter, context)
            found["Arguments"].append((parameter.make_metavar(context), f"{text}{extra}".strip()))
        elif isinstance(parameter, click.Option):
            title = getattr(parameter, "panel", None) or "Options"
            rows = (shared if title == everywhere.PANEL else found).setdefault(title, [])
            rows.append((_term(parameter, context), text + _extra(parameter, context)))
    yield from ((title, rows) for title, rows in {**found, **shared}.items() if rows)
    if isinstance(command, click.Group):
        verbs = [
            (name, first_sentence(one.help or ""))
            for name in command.commands
            if (one := command.get_command(context, name)) is not None and not one.hidden
        ]
        yield "Verbs", verbs


def _term(option: click.Option, context: click.Context) -> str:
    names = sorted((*option.opts, *option.secondary_opts), key=lambda name: name.startswith("--"))
    short = any(not name.startswith("--") for name in names)
    text = ("" if short else "    ") + ", ".join(names)
    return text if option.is_flag else f"{text} {metavar(option, context)}"


def metavar(option: click.Option, context: click.Context) -> str:
    """What stands for an option's value."""
    if option.metavar is not None or isinstance(option.type, click.Choice):
        return option.make_metavar(context)
    if (called := called_by_words(option)) is not None:
        return called
    name = getattr(option.type, "name", "text").removesuffix(" range")
    return _WORDS.get(name, "TEXT ..." if option.nargs > 1 else name.upper())


def called_by_words(option: Any) -> str | None:
    """What stands for a value that is one of known words; None where it is not."""
    values = getattr(option, "values", None)
    if isinstance(values, str):
        return CALLED.get(values)
    return "|".join(values) if values else None


def _extra(parameter: Any, context: click.Context) -> str:
    """Default, variable and bounds, behind the text."""
    if not isinstance(parameter, click.Option):
        return ""
    extra = parameter.get_help_extra(context)
    parts = []
    if extra.get("required"):
        parts.append("required")
    if default := extra.get("default"):
        parts.append(f"default {default}")
    if extra.get("range"):
        parts.append(_bounds(parameter.type))
    if variables := extra.get("envvars"):
        parts.append("or " + ", ".join(variables))
    return f" [{'; '.join(parts)}]" if parts else ""


def _bounds(kind: Any) -> str:
    if kind.max is None:
        return f"{kind.min:g} or more"
    return f"{kind.max} at most" if kind.min is None else f"{kind.min:g} to {kind.max}"


def _rows(
    rows: Iterable[tuple[str, str]], longest: int, width: int, style: _Style
) -> Iterator[str]:
    column = min(longest, max(width // 2 - 4, 16)) + 4
    for term, text in rows:
        lines = _flow(text, width, " " * column)
        if len(term) <= column - 4 and lines:
            yield f"  {style.term(term)}{' ' * (column - len(term) - 2)}{lines[0].strip()}"
            yield from lines[1:]
        else:
            yield f"  {style.term(term)}"
            yield from lines


def _flow(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=first if rest is None else rest,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def first_sentence(text: str) -> str:
    """What a verb or an option is for, in short."""
    paragraph = " ".join(re.split(r"\n[ \t]*\n", inspect.cleandoc(text))[0].split())
    return re.split(r"(?<![.])(?<=[.])\s(?=[A-Z])", paragraph, maxsplit=1)[0]
