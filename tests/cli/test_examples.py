"""The examples of the help are command lines that work."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from detector.cli.app import build
from detector.cli.help_text import FILE, examples
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import Run, running

ROOT = build()
WORDS_OF_A_SHELL = (">", "|", "2>", "$(")


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*words, name))


TREE = dict(commands(ROOT))
LINES = {
    line: words for words, command in TREE.items() for line in examples(" ".join(words), command)
}

SHIPPED = tomllib.loads(FILE.read_text(encoding="utf-8"))


def of_tlsight(line: str) -> list[str]:
    """The words of the line's own command, up to a pipe or a redirection."""
    line = re.split(r" {2,}", line)[0]
    if "$(tlsight" in line:
        line = line.partition("$(")[2].rpartition(")")[0]
    words = shlex.split(line)
    words = words[len(words) - words[::-1].index("tlsight") :]
    end = next((at for at, word in enumerate(words) if word in WORDS_OF_A_SHELL), len(words))
    return words[:end]


def parsed(words: list[str]) -> list[str]:
    """The verbs that a command line names; everything in it is read as the command reads it. Raises UsageError."""
    context, command, names = ROOT.make_context("tlsight", words), ROOT, []
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest and command.invoke_without_command:
            break
        name, below, rest = command.resolve_command(context, rest)
        assert name is not None
        assert below is not None
        command, names = below, [*names, name]
        context = command.make_context(name, rest, parent=context)
    return names


@pytest.mark.parametrize("words", [words for words in TREE if words], ids=" ".join)
def test_every_verb_has_examples(words: tuple[str, ...]) -> None:
    assert examples(" ".join(words), TREE[words])


@pytest.mark.parametrize("line", LINES)
def test_an_example_is_read_as_it_stands(line: str) -> None:
    said = of_tlsight(line)
    names = parsed(said)
    assert tuple(names)[: len(LINES[line])] == LINES[line] or LINES[line] == ("ct",)


# What needs somebody else: the network, a proxy, a fleet, a person who types, or what never ends by itself.
NEED_OTHERS = (
    " ", "check ", "diagnose ",  # alone it asks well-known sites
    "ct show example.com", "ct fetch", "ct import", "pins learn", "bypass run", "bypass approve app", "bypass reject",
    "bypass snooze", "bypass approve-draft", "bypass seeds", "bypass feed add", "bypass feed set", "bypass feed show",
    "bypass feed diff", "bypass feed update ours", "bypass feed accept", "bypass feed remove", "bypass recheck",
    "bypass serve", "bypass prove", "bypass audit send", "bypass audit accept", "bypass user", "bypass service",
    "bypass sync", "fleet", "agent", "lab serve", "demo", "pins check", "pins export", "bypass undo",
    "ct export", "bypass script",
)  # fmt: skip
HERE = [
    line for lines in SHIPPED.values() for line in lines
    if not line.removeprefix("tlsight ").startswith(NEED_OTHERS) and line.startswith("tlsight ")
]  # fmt: skip
# Examples of verbs that dial, asked of a server of the lab in place of the one that they name.
DIALLING = [
    line for line in LINES
    if LINES[line] in (("check",), ("diagnose",)) and re.split(r" {2,}", line)[0].endswith(" example.com")
    and not {"--proxy", "--ct-proof", "--watch", "--pin", "--starttls"} & set(of_tlsight(line))
]  # fmt: skip


def test_examples_of_rules_pins_and_policies_do_what_they_say(
    tlsight: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, as they stand, in one folder."""
    files = {
        "names.txt": "bank.example\nshop.example\n",
        "policy.toml": 'internal = ["corp.example"]\n',
        "pins.toml": f'[[pin]]\nhost = "example.com"\nspki = ["{"ab" * 32}"]\n',
        "hosts.txt": "example.com\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644)
    assert len(HERE) > 30
    monkeypatch.chdir(tmp_path)
    for line in HERE:
        done = tlsight(*of_tlsight(line), HOME=str(tmp_path))
        assert done.returncode in (0, 1, 3), (line, done.stderr)
        assert "unexpected" not in done.stderr
        if line.startswith("tlsight bypass test"):
            assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("line", DIALLING)
def test_examples_of_verbs_that_dial_are_answered(
    tlsight: Run, world: LabPki, tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {name: world.issue(name) for name in ("example.com",)}
    with running(Origin(names)) as origin:
        where = (
            "--connect",
            f"127.0.0.1:{origin.port}",
            "--roots",
            tmp_path / "root.pem",
            "--json",
        )
        done = tlsight(*of_tlsight(line), *where)
    assert done.returncode == 0, (line, done.stderr)
