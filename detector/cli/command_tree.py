"""The command tree as a table, by which shells complete: to build the tree itself takes longer than a key press may.

    python -m detector.cli.command_tree       writes detector/data/command_tree.json

Form of a node
--------------
"v": verbs by name, each [its node, what it is for]; "d": the verb that is meant where none is named; "o": options by
name, each [values, text] with values null for a flag; "a": values of each argument, the last again where "m" is true.
Values are an index into "words", lists of words and names of what detector.cli.completing asks for ("files", "hosts");
texts are an index into "texts".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from detector.cli.app import build
from detector.cli.default_group import DefaultGroup
from detector.cli.help_text import first_sentence
from detector.cli.values import ASKED_LATE, SOURCES

FILE = Path(__file__).parents[1] / "data" / "command_tree.json"
_LONGEST = 70  # columns of a text beside a word


def main() -> None:
    FILE.write_text(table(), encoding="utf-8")


def table() -> str:
    """The file's text."""
    made = _Made()
    root = made.node(build())
    return json.dumps(
        {"tree": root, "words": made.words, "texts": made.texts},
        separators=(",", ":"), ensure_ascii=False, sort_keys=True,
    ).replace('","', '",\n"') + "\n"  # fmt: skip


class _Made:
    def __init__(self) -> None:
        self.words: list[Any] = ["", "files", "hosts"]
        self.texts: list[str] = [""]

    def node(self, command: click.Command) -> dict[str, Any]:
        context = click.Context(command)
        shown = [one for one in command.get_params(context) if not getattr(one, "hidden", False)]
        found: dict[str, Any] = {
            "o": {
                name: [None if one.is_flag or one.count else self.values(one), self.text(one.help)]
                for one in shown if isinstance(one, click.Option)
                for name in (*one.opts, *one.secondary_opts)
            }
        }  # fmt: skip
        arguments = [one for one in shown if isinstance(one, click.Argument)]
        if arguments:
            found["a"] = [self.values(one) for one in arguments]
            found["m"] = arguments[-1].nargs == -1
        if isinstance(command, click.Group):
            found["v"] = {
                name: [self.node(one), self.text(one.help)]
                for name, one in command.commands.items()
            }
        if isinstance(command, DefaultGroup):
            found["d"] = next(iter(command.commands))
            found["o"] |= found["v"][found["d"]][0]["o"]  # they may stand behind the group's name
        return found

    def values(self, parameter: click.Parameter) -> int:
        said = getattr(parameter, "values", None)
        if isinstance(parameter.type, click.Choice):
            said = parameter.type.choices
        elif isinstance(parameter.type, click.Path) and said is None:
            said = "files"
        if isinstance(said, str):
            return self._place(self.words, said if said in ASKED_LATE else list(SOURCES[said]()))
        return self._place(self.words, list(map(str, said)) if said else "")

    def text(self, said: str | None) -> int:
        sentence = first_sentence(said or "").rstrip(".")
        if len(sentence) > _LONGEST:
            sentence = sentence[: _LONGEST - 1].rpartition(" ")[0] + "…"
        return self._place(self.texts, sentence)

    def _place(self, table: list[Any], one: str | Iterable[str]) -> int:
        if one not in table:
            table.append(one)
        return table.index(one)


if __name__ == "__main__":
    main()
