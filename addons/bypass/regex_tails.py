"""How the names end that a regex fits: the letters that must stand there.

Theory of operation
-------------------
Who owns a name is said by its end. So the regex is read from its end to its beginning, for each of its branches,
as long as it says letters; what says anything else (a star, a set of many) closes the branch. The tree is that of
Python's own reader of regexes: rules take no regex that it and RE2 read differently (expression.py).
"""

from __future__ import annotations

import re

# `re._parser` is what `re.compile` itself uses.
import re._constants as kinds  # type: ignore[import-not-found]
import re._parser as reader  # type: ignore[import-not-found]
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

# More branches than this are not followed: what is left of them may be anything.
MOST = 200
_FEW = 4


class Tail(NamedTuple):
    """How some of the names end.

    Attributes:
        text: the letters, in lower case.
        whole: it is the whole name.

    """

    text: str
    whole: bool


def tails(regex: str) -> tuple[Tail, ...]:
    """Each way to end; one that is empty and not whole where nothing can be said of it. Never raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python may read `[[` otherwise one day; RE2 does not
            tree = reader.parse(regex)
        found = _behind(tree, [Tail("", whole=True)])
    except (re.error, RecursionError, OverflowError):
        return (Tail("", whole=False),)
    return tuple(dict.fromkeys(Tail(text.lower(), whole) for text, whole in found))


def _behind(items: Sequence[Any], after: list[Tail]) -> list[Tail]:
    """The ways to end of what stands before `after`; those of `after` that are not whole stay as they are."""
    for kind, value in reversed(items):
        still = [one for one in after if one.whole]
        if not still:
            return after
        closed = [one for one in after if not one.whole]
        after = [*closed, *dict.fromkeys(_one(kind, value, still))]
        if len(after) > MOST:
            return [Tail("", whole=False)]
    return after


def _one(kind: Any, value: Any, after: list[Tail]) -> Iterator[Tail]:
    if kind is kinds.LITERAL:
        yield from (Tail(chr(value) + one.text, whole=True) for one in after)
    elif kind is kinds.AT:
        yield from after
    elif kind is kinds.SUBPATTERN:
        yield from _behind(value[-1], after)
    elif kind is kinds.BRANCH:
        for branch in value[1]:
            yield from _behind(branch, after)
    elif kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        least, most, inner = value
        if least == 0:
            yield from after
        once = _behind(inner, after)
        if most == 1:
            yield from once
        else:  # more of the same, and then whatever stands before it
            yield from (Tail(one.text, whole=False) for one in once)
    elif kind is kinds.IN and (letters := _few(value)):
        yield from (Tail(letter + one.text, whole=True) for letter in letters for one in after)
    else:
        yield from (Tail(one.text, whole=False) for one in after)


def _few(members: Sequence[Any]) -> list[str]:
    """The letters of a small set, none for another one."""
    if len(members) > _FEW or any(kind is not kinds.LITERAL for kind, _ in members):
        return []
    return [chr(value) for _, value in members]
