"""The words of the configurations of HAProxy and nginx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_LINES = 2_000_000
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<mark>[{};])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<bare>(?:\\.|\$\{[^}\s]*\}|[^\s{};\\])(?:\\.|\$\{[^}\s]*\}|\{[0-9,]*\}|[^\s;{}\\])*)|.""",
    re.DOTALL,
)

_SPECIAL = re.compile(r"""[\\"'#]""")


class Token(NamedTuple):
    """A word, or one of { } ; of nginx."""

    text: str
    line: int
    mark: bool = False


def nginx_tokens(text: str) -> Iterator[Token]:
    """A backslash stands for what follows it only before quotes, itself and spaces."""
    line = 1
    for found in _TOKEN.finditer(text):
        whole = found[0]
        if found["mark"] is not None:
            yield Token(whole, line, mark=True)
        else:
            inside = next(
                (one for one in found.group("double", "single", "bare") if one is not None), None
            )
            if inside is not None:
                yield Token(re.sub(r"""\\(["'\\ ])""", r"\1", inside), line)
        line += whole.count("\n")


def haproxy_words(line: str) -> list[str]:
    """One line: quotes strong and weak, a backslash before a space, a quote, # or itself, comments."""
    if _SPECIAL.search(line) is None:
        return line.split()
    words: list[str] = []
    word: list[str] = []
    quote, at, there = "", 0, False
    while at < len(line):
        c = line[at]
        if c == "\\" and quote != "'" and at + 1 < len(line):
            after = line[at + 1]
            word.append(after if after in " #\"'\\" else c + after)
            at, there = at + 2, True
            continue
        if quote:
            if c == quote:
                quote = ""
            else:
                word.append(c)
        elif c in "\"'":
            quote, there = c, True
        elif c == "#":
            break
        elif c.isspace():
            if there:
                words.append("".join(word))
            word, there = [], False
        else:
            word.append(c)
            there = True
        at += 1
    if there:
        words.append("".join(word))
    return words
