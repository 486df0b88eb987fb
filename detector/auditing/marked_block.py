"""A block of lines of ours in somebody's file, between marks; taken out again so that not a byte is left. Pure.

Rules
-----
1. One block a name, at the end of the file; a second time it takes its own place.
2. The mark says what else was changed for it: the file was made for it, or its last line had no end. Who writes
   something behind the block keeps that.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BEGIN = "# >>> tlsight trust fix: {name}{flags} >>>"
_END = "# <<< tlsight trust fix: {name} <<<"
_MADE = "; made this file"
_ENDED = "; ended the line above"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}")


class _Span(NamedTuple):
    start: int
    stop: int
    made: bool
    ended: bool


def with_block(text: bytes | None, name: str, lines: str) -> bytes:
    """The file with the block in it; None is a file that is not there. Raises ValueError for a name with a space."""
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    made, before, after, ended = text is None, text or b"", b"", False
    span = _span(before, name)
    if span is not None:
        made, ended = span.made, span.ended
        before, after = before[: span.start], before[span.stop :]
    elif before and not before.endswith(b"\n"):
        before, ended = before + b"\n", True
    flags = _MADE * made + _ENDED * ended
    body = lines.strip("\n")
    block = f"{_BEGIN.format(name=name, flags=flags)}\n{body}\n{_END.format(name=name)}\n"
    return before + block.encode() + after


def without_block(text: bytes, name: str) -> bytes | None:
    """The file as it was before; None where it was made for the block and holds nothing else."""
    span = _span(text, name)
    if span is None:
        return text
    before, after = text[: span.start], text[span.stop :]
    if span.made and not (before + after).strip():
        return None
    if span.ended and not after:
        before = before.removesuffix(b"\n")
    if span.ended or span.made:
        after = _handed_on(after, made=span.made and not before, ended=span.ended)
    return before + after


def has_block(text: bytes, name: str) -> bool:
    """Whether it is there."""
    return _span(text, name) is not None


def _handed_on(after: bytes, *, made: bool, ended: bool) -> bytes:
    """What is left of the debt goes to the next block of ours, where it follows at once."""
    found = re.match(rb"# >>> tlsight trust fix: ([a-z0-9._-]++)([^\n>]*?) >>>\n", after)
    if found is None:
        return after
    flags = found[2].decode()
    made, ended = made or _MADE in flags, ended or _ENDED in flags
    name = found[1].decode()
    mark = _BEGIN.format(name=name, flags=_MADE * made + _ENDED * ended) + "\n"
    return mark.encode() + after[found.end() :]


def _span(text: bytes, name: str) -> _Span | None:
    """Where the block stands, with its marks."""
    start = 0
    while True:
        start = text.find(b"# >>> tlsight trust fix: ", start)
        if start < 0:
            return None
        line_end = text.find(b"\n", start)
        mark = (
            text[start : line_end if line_end >= 0 else len(text)]
            .decode("utf-8", "replace")
            .strip()
        )
        flags = mark.removeprefix(f"# >>> tlsight trust fix: {name}").removesuffix(" >>>")
        whole = _BEGIN.format(name=name, flags=flags) == mark
        if whole and flags in ("", _MADE, _ENDED, _MADE + _ENDED):
            break
        start += 1
    end_mark = _END.format(name=name).encode()
    stop = text.find(end_mark, start)
    if stop < 0:
        return None
    stop += len(end_mark)
    if text[stop : stop + 2] == b"\r\n":
        stop += 2
    elif text[stop : stop + 1] == b"\n":
        stop += 1
    return _Span(start, stop, _MADE in flags, _ENDED in flags)
