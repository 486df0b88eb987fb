"""Names with numbers, as headers of C define them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_DEFINE = re.compile(
    r"^\s*#\s*define\s+(\w+)\s+\(?(?:_HRESULT_TYPEDEF_|_NDIS_ERROR_TYPEDEF_)?\(?\s*(-?(?:0x[0-9A-Fa-f]+|\d+))[lLuU]*\s*\)?",
    re.MULTILINE,
)
_ENUM = re.compile(r"^\s*(\w+)\s*=\s*(-?\d+)\s*,?\s*(?:/\*(.*?)\*/)?", re.MULTILINE | re.DOTALL)
_OFFSET = re.compile(r"#\s*define\s+(\w+)\s+\((\w+_ERROR_BASE) \+ (\d+)\)")


def defined(path: Path, wanted: str) -> Iterator[tuple[str, str]]:
    """Every macro whose name begins so, and its number as it is written."""
    for name, number in _DEFINE.findall(path.read_text(errors="replace")):
        if re.match(wanted, name):
            yield name, number


def enumerated(path: Path, name: str) -> Iterator[tuple[str, int]]:
    """The members of an enum that have a number."""
    text = path.read_text(errors="replace")
    body = re.search(rf"enum {name}\s*\{{(.*?)\n\}}", text, re.DOTALL)
    for member, number, _ in _ENUM.findall(body[1] if body else ""):
        yield member, int(number)


def from_base(path: Path) -> Iterator[tuple[str, int]]:
    """Macros that count from a base."""
    for name, _, number in _OFFSET.findall(path.read_text(errors="replace")):
        yield name, int(number)
