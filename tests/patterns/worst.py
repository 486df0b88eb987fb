"""Inputs that make an expression work hardest, made from the expression.

Theory of operation
-------------------
An expression is slow where one stretch of text can be taken in many ways, or by many beginnings of a search, before
it fails. So its parse tree is laid out as a row of pieces, and texts are made of them: the shortest text for the
pieces before some place, then a window of pieces over and over, then something that nothing takes. A window of one
piece pumps a repeat; a window from the first piece on gives a search many beginnings; a window in the middle gives
what comes before it many ends. Every window is made of one character of each class that is also in other classes,
where there is one, because only what overlaps is ambiguous.
"""

from __future__ import annotations

import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_CATEGORIES = {
    op.CATEGORY_DIGIT: str.isdigit,
    op.CATEGORY_NOT_DIGIT: lambda c: not c.isdigit(),
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    op.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    op.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
}
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
_PLAIN = "a1 .:-_/[\"'="
_ENDS = ("\x00", "\n", "")
_WINDOW = 5


class Piece(NamedTuple):
    """A stretch of an expression: texts that it takes, one repetition each.

    Attributes:
        ghost: looked at, and not taken (a look-ahead).

    """

    texts: tuple[str, ...]
    ghost: bool = False


def worst_inputs(expression: str | bytes, flags: int, size: int) -> Iterator[str]:
    """Texts of about `size` characters, each a different way to be slow. May yield the same one twice."""
    text = expression.decode("latin-1") if isinstance(expression, bytes) else expression
    tree = parser.parse(text, flags & ~re.UNICODE)
    letters = _letters(tree)
    for variant in range(min(_alternatives(tree), 8)):
        pieces = list(_pieces(tree, letters, variant))
        yield from _texts(pieces, size)


def _texts(pieces: Sequence[Piece], size: int) -> Iterator[str]:
    whole = "".join(piece.texts[0] for piece in pieces if not piece.ghost)
    for first in range(len(pieces)):
        before = "".join(piece.texts[0] for piece in pieces[:first] if not piece.ghost)
        for last in range(first + 1, min(first + 1 + _WINDOW, len(pieces) + 1)):
            window = pieces[first:last]
            for choice in range(max(len(piece.texts) for piece in window)):
                pump = "".join(piece.texts[min(choice, len(piece.texts) - 1)] for piece in window)
                if pump:
                    for end in _ENDS:
                        yield before + pump * (size // len(pump) + 1) + end
    for end in _ENDS:
        yield whole * (size // max(len(whole), 1) + 1) + end
        yield whole[:-1] * (size // max(len(whole) - 1, 1) + 1) + end


def _pieces(tree: Any, letters: str, variant: int) -> Iterator[Piece]:
    literal = ""
    for code, value in tree:
        if code is op.LITERAL:
            literal += chr(value)
            continue
        if literal:
            yield Piece((literal,))
            literal = ""
        yield from _piece(code, value, letters, variant)
    if literal:
        yield Piece((literal,))


def _piece(code: Any, value: Any, letters: str, variant: int) -> Iterator[Piece]:
    if code in _REPEATS:
        least, most, inner = value
        yield from _repeat(least, most, inner, letters, variant)
    elif code is op.SUBPATTERN:
        yield from _pieces(value[3], letters, variant)
    elif code is op.ATOMIC_GROUP:
        yield from _pieces(value, letters, variant)
    elif code is op.BRANCH:
        yield from _pieces(value[1][variant % len(value[1])], letters, variant)
    elif code is op.ASSERT or code is op.ASSERT_NOT:
        for piece in _pieces(value[1], letters, variant):
            yield piece._replace(ghost=True)
    elif code in (op.IN, op.ANY, op.NOT_LITERAL):
        yield Piece(tuple(_members(code, value, letters)[:3]))


def _repeat(least: int, most: Any, inner: Any, letters: str, variant: int) -> Iterator[Piece]:
    (code, value), *more = inner if len(inner) else [(None, None)]
    times = max(least, 1) if most else 0
    if not more and code in (op.IN, op.ANY, op.NOT_LITERAL):
        members = _members(code, value, letters)
        texts = [member * times for member in members[:4]]
        if len(members) > 1:  # "1:" for an address: what ends it is in it
            texts += [a + b for a in members[:1] for b in members[1:5]]
        yield Piece(tuple(texts))
        return
    if not more and code is op.LITERAL:
        yield Piece((chr(value) * times,))
        return
    if least == 0 and variant % 2:
        return  # without what may be left out
    for _ in range(min(times, 3)):
        yield from _pieces(inner, letters, variant)


def _letters(tree: Any) -> str:
    """Characters that tell the classes of this expression apart: those it names, then plain ones."""
    named: dict[str, None] = {}

    def walk(node: Any) -> None:
        for code, value in node:
            if code in (op.LITERAL, op.NOT_LITERAL):
                named[chr(value)] = None
            elif code is op.IN:
                for kind, one in value:
                    if kind is op.LITERAL:
                        named[chr(one)] = None
                    elif kind is op.RANGE:
                        named[chr(one[0])] = None
            else:
                for inner in _inside(code, value):
                    walk(inner)

    walk(tree)
    return "".join(dict.fromkeys((*_PLAIN, *named)))


def _alternatives(tree: Any) -> int:
    """Alternatives of the branch that has most, at least two: with and without what may be left out."""
    most = 2
    for code, value in tree:
        if code is op.BRANCH:
            most = max(most, len(value[1]))
        for inner in _inside(code, value):
            most = max(most, _alternatives(inner))
    return most


def _inside(code: Any, value: Any) -> list[Any]:
    if code in _REPEATS:
        return [value[2]]
    if code is op.SUBPATTERN:
        return [value[3]]
    if code is op.BRANCH:
        return list(value[1])
    if code in (op.ASSERT, op.ASSERT_NOT):
        return [value[1]]
    return [value] if code is op.ATOMIC_GROUP else []


def _members(code: Any, value: Any, letters: str) -> list[str]:
    """Characters of a class, those first that the expression names elsewhere."""
    found = [letter for letter in letters if _takes(code, value, letter)]
    if found:
        return found
    return [next(chr(n) for n in range(256) if _takes(code, value, chr(n)))]


def _takes(code: Any, value: Any, letter: str) -> bool:
    if code is op.ANY:
        return letter != "\n"
    if code is op.NOT_LITERAL:
        return letter != chr(value)
    negated, held = False, False
    for kind, one in value:
        if kind is op.NEGATE:
            negated = True
        elif kind is op.LITERAL:
            held = held or letter == chr(one)
        elif kind is op.RANGE:
            held = held or one[0] <= ord(letter) <= one[1]
        elif kind is op.CATEGORY:
            held = held or bool(_CATEGORIES[one](letter))
    return held != negated
