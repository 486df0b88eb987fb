"""Where mitmproxy's options come from: config.yaml, command lines, or a bare list of one option's entries.

Source: docs.mitmproxy.org, "Options"; optmanager.py, which takes one YAML mapping of lists.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from addons.formats.yaml_tree import Node, parsed
from detector.errors import ConfigError

# Why an entry of an option becomes no rule. Lists that are not of hosts are nobody's loss.
NO_RULE = {
    "allow_hosts": "the inverse: mitmproxy decrypts these alone, and lets all others through",
    "tcp_hosts": "mitmproxy decrypts these too; only what is in them is not read as HTTP",
    "udp_hosts": "mitmproxy decrypts these too; only what is in them is not read as HTTP",
}
OPTIONS = ("ignore_hosts", *NO_RULE)
_KEY = re.compile(r"""["']?[A-Za-z_]\w*["']?\s*:(?:\s|$)""")
_COMMAND = re.compile(
    r"(?:^|\s)--?(?:set|(?:ignore|allow|tcp|udp)-hosts)(?:[=\s]|$)|^\s*:?set\s+\w+=?"
)
_FLAG = re.compile(r"--(ignore|allow|tcp|udp)-hosts(?:=(.*))?", re.DOTALL)


class Given(NamedTuple):
    """One entry of one option; `fault` says why mitmproxy does not take it."""

    line: int
    option: str
    value: str
    fault: str = ""


def options(text: str, source: str) -> Iterator[Given]:
    """Every entry of the options that choose hosts. Raises ConfigError for YAML that is none."""
    lines = text.splitlines()
    if any(map(_COMMAND.search, lines)) and not any(map(_KEY.match, lines)):
        yield from _commands(lines)
        return
    bare = not any(_KEY.match(line) or line.startswith(("{", "---", "%")) for line in lines)
    try:
        root = parsed(text, source)
    except ConfigError:
        if not bare:
            raise
        root = None
    if root is not None and root.pairs is not None:
        named = [(option, root.at(option)) for option in OPTIONS]
        found = [one for option, value in named if value for one in _entries(option, value)]
        yield from sorted(found, key=lambda one: one.line)
    elif root is not None and root.items is not None:
        yield from _entries("ignore_hosts", root)
    elif not bare:
        raise ConfigError(source, "no mapping of options: a list stands under ignore_hosts:")
    else:
        yield from _bare(lines)


def _entries(option: str, value: Node) -> Iterator[Given]:
    if value.items is None:
        if not value.is_null:
            fault = "mitmproxy takes a list here, and refuses this"
            yield Given(value.line, option, value.text or "", fault)
        return
    for one in value.items:
        if one.text is None:
            yield Given(
                one.line, option, "", "a list or a mapping, where an expression is expected"
            )
        else:
            yield Given(one.line, option, one.text)


def _bare(lines: list[str]) -> Iterator[Given]:
    """One expression a line, in quotes or not, as it is pasted out of a list."""
    for number, line in enumerate(lines, 1):
        written = line.strip().removeprefix("- ").strip()
        if written and not written.startswith("#"):
            yield Given(number, "ignore_hosts", _scalar(written))


def _scalar(written: str) -> str:
    """What a quoted scalar of YAML says, or a plain one up to a comment."""
    quote = written[0]
    if quote in "'\"":
        try:
            node = parsed(written, "")
        except ConfigError:
            return written
        return node.text if node is not None and node.text is not None else written
    return re.split(r"\s#", written, maxsplit=1)[0].rstrip()


def _commands(lines: list[str]) -> Iterator[Given]:
    """Options of mitmproxy's command line, and of its own `set`."""
    gathered, first = "", 0
    for number, line in enumerate([*lines, ""], 1):
        first = first if gathered else number
        gathered += line
        if gathered.endswith("\\") and number <= len(lines):
            gathered = gathered[:-1] + " "
            continue
        try:
            words = shlex.split(gathered, comments=True)
        except ValueError:
            yield Given(first, "ignore_hosts", gathered.strip(), "a quote without its end")
            words = []
        yield from _of_words(words, first)
        gathered = ""


def _of_words(words: list[str], line: int) -> Iterator[Given]:
    left = iter(words)
    for word in left:
        flag = _FLAG.fullmatch(word)
        if flag is not None:
            yield Given(
                line, f"{flag[1]}_hosts", flag[2] if flag[2] is not None else next(left, "")
            )
        elif word in ("--set", "set", ":set"):
            name, _, value = next(left, "").partition("=")
            if name in OPTIONS:
                yield Given(line, name, value)
