"""One thing that a setting file says."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A value under its name.

    Attributes:
        path: the name with the sections or tables around it, outermost first; places in lists are left out.
        line: where the name stands, counted from one.

    """

    path: tuple[str, ...]
    value: str
    line: int


def unquoted(text: str) -> str:
    """A value without the quotes around it."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def lines_of(text: str) -> list[str]:
    """Lines as editors count them, with any line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
