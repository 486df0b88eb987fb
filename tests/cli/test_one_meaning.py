"""An option means the same wherever it stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import click
import pytest

from detector.cli.app import build

# Where a name is another thing in another room, and why it keeps the name. Each is (verb, or the beginning of its
# words): what the name is there.
EXCEPTIONS = {
    "--certificate": {"logs": "what servers used: it may be given again"},
    "--client": {"pcap": "a filter: it may be given again"},
    "--config": {"logs": "the server's own settings, not ours: it may be given again"},
    "--every": {"watch-path": "minutes or hours: 10m, not seconds alone"},
    "--key": {
        "pins learn": "which of two keys", "bypass audit verify": "the key in letters: it may be given again",
        "bypass backup": "whether that key goes along", "echo ask": "the key in letters",
    },
    "--name": {"fleet serve": "a machine has several", "agent exporter": "a machine has several"},
    "--port": {"pcap": "a filter: it may be given again", "bypass add": "a port of a rule"},
    "--role": {"fleet revoke": "of a member, not of a person"},
    "--shelf": {"bypass sync enrol": "also an address, for the gateway"},
    "--watch": {"explain": "has a command behind it"},
    "--within": {"agent nagios": "seconds, as answer", "bypass due": "days"},
    "--write": {"pcap": "- is stdout"},
}  # fmt: skip
# These mean one thing in every verb, so that one sentence explains them everywhere.
SAME_SENTENCE = (
    "--json", "--verbose", "--no-proxy", "--connect", "--sni", "--ct-logs", "--no-store", "--pins", "--pin", "--policy",
    "--lists", "--history", "--no-history", "--no-canaries", "--no-local-roots", "--issuers", "--save", "--dry-run",
    "--rules", "--starttls", "--sarif", "--anonymize", "--junit", "--color", "--log-level", "--log-format",
)  # fmt: skip
# A verb that asks for the same in other words, because it says more, or because the room is another one.
OTHER_SENTENCE = {
    "--sni": {"pcap": "a filter over hellos"},
    "--policy": {"policy learn": "is written there"},
    "--dry-run": {"trust remove": "is what it does without --yes"},
}
_SHORT = {
    "-a": "--all",
    "-l": "--list",
    "-v": "--verbose",
    "-y": "--yes",
    "-o": "--out",
    "-h": "--help",
    "-V": "--version",
}


def options() -> Iterator[tuple[str, click.Option]]:
    def below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, click.Option]]:
        context = click.Context(command)
        for one in command.get_params(context):
            if isinstance(one, click.Option) and not one.hidden:
                yield " ".join(words), one
        for name, inner in getattr(command, "commands", {}).items():
            yield from below(inner, (*words, name))

    return below(build(), ())


def by_name() -> dict[str, list[tuple[str, click.Option]]]:
    found = defaultdict(list)
    for verb, option in options():
        for name in (*option.opts, *option.secondary_opts):
            found[name].append((verb, option))
    return found


OPTIONS = by_name()


def kind(option: click.Option) -> str:
    """Whether it has a value, of which kind, and whether it may be given again."""
    name = "flag" if option.is_flag else getattr(option.type, "name", "text").removesuffix(" range")
    return f"{name}, again" if option.multiple else name


@pytest.mark.parametrize("name", [name for name in OPTIONS if name.startswith("--")])
def test_a_name_is_of_one_kind(name: str) -> None:
    found = defaultdict(list)
    for verb, option in OPTIONS[name]:
        if verb not in EXCEPTIONS.get(name, {}):
            found[kind(option)].append(verb)
    assert len(found) <= 1, dict(found)


@pytest.mark.parametrize("name", [name for name in OPTIONS if not name.startswith("--")])
def test_a_letter_stands_for_one_name(name: str) -> None:
    names = {
        next(n for n in option.opts if n.startswith("--"))
        for verb, option in OPTIONS[name]
        if verb != "agent nagios"  # its letters are the plug-ins' (Monitoring Plugins' guidelines)
    }
    assert len(names) <= 1
    if name in _SHORT and names:
        assert names == {_SHORT[name]}


@pytest.mark.parametrize("letter", ["-a", "-v", "-l"])
def test_a_name_has_its_letter_everywhere(letter: str) -> None:
    without = [verb for verb, option in OPTIONS[_SHORT[letter]] if letter not in option.opts]
    assert not without


@pytest.mark.parametrize("name", [name for name in SAME_SENTENCE if name in OPTIONS])
def test_one_sentence_explains_it_everywhere(name: str) -> None:
    found = defaultdict(list)
    for verb, option in OPTIONS[name]:
        if verb not in OTHER_SENTENCE.get(name, {}):
            found[option.help].append(verb)
    assert len(found) == 1, dict(found)


def test_no_exception_is_left_over() -> None:
    for table in (EXCEPTIONS, OTHER_SENTENCE):
        for name, verbs in table.items():
            here = {verb for verb, _ in OPTIONS[name]}
            assert set(verbs) <= here, name
