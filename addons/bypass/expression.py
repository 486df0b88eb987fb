"""Regexes of rules: what one may say, and which of many a name lies in, in time by the name's length.

Rules
-----
1. The engine is RE2: no going back, so no name and no regex takes long. What it cannot say (a look around, a
   back reference, an atomic group) is a fault, told by the regex, never dropped.
2. The whole name must match, whatever its case; anchors at both ends are implied.
3. A regex that Python's `re` took means the same here. What both take and mean differently is a fault: `{,3}`
   (RE2: those four characters), `\\12` (RE2: octal), a set without capitals (names are compared in any case).
4. Names are in ASCII; so are regexes.

Theory of operation
-------------------
Many regexes are one automaton (`re2.Set`): a name is read once. An automaton that outgrows its memory is halved
until its parts fit. The engine is loaded where a rule has a regex, and not before.

A letter that the automaton has not seen at that place costs a step for each instruction that may come next. A
client makes up names, so what may come next is bounded: of the regexes that begin with the same letters as a name
the instructions together are at most MAX_STEPS. Ten thousand that each begin in a way of their own are few for any
name; of those that begin with anything some hundred are in force, and the others are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import re2

MAX_REGEX = 200
# Instructions of one regex: a name takes at most as many steps for each of its letters. Loose ones have some 100.
MAX_PROGRAM = 2000
# The same for all regexes that a name may lie in: 253 letters then take some hundredths of a second at worst.
MAX_STEPS = 20_000
_LONGEST_BEGINNING = 24
_ONE_MEMORY, _ALL_MEMORY = 1 << 20, 64 << 20
# What Python has and RE2 has not, by how it begins.
_LACKING = (
    ("(?=", "a look ahead"), ("(?!", "a look ahead"), ("(?<=", "a look behind"), ("(?<!", "a look behind"),
    ("(?P=", "a back reference"), ("(?>", "an atomic group"), ("(?(", "a condition"), ("(?#", "a comment"),
    ("\\Z", "\\Z, which $ says"), ("\\u", "a character by its number"), ("\\U", "a character by its number"),
    ("\\N", "a character by its name"),
)  # fmt: skip
# An escape, a set, the beginning of a group, a count, or a character.
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*+\]?|\(\?(?:<[=!]|P?[<=>!#(]|[a-zA-Z-]*+:)?|\{[0-9,]*+\}|.",
    re.DOTALL,
)
_COUNT = re.compile(r"\{\d+(?:,\d*)?\}")


def plain(text: str) -> str:
    """Without the anchors, which are implied."""
    text = text.removeprefix("^")
    return text[:-1] if text.endswith("$") and not _is_escaped(text, len(text) - 1) else text


def fault(regex: str) -> str | None:
    """Why it cannot be in force, None where it can."""
    return _measured(regex).fault


def holds(regex: str, name: str) -> bool:
    """Whether it matches the whole name; one with a fault matches none."""
    return fault(regex) is None and _compiled(regex).fullmatch(name.encode()) is not None


def asks_for_colon(regex: str) -> bool:
    """Whether it does so outside of sets; no name holds one."""
    return ":" in regex and any(part in (":", "\\:", "[:]") for part in _TOKEN.findall(regex))


def has_alternatives(regex: str) -> bool:
    """Whether it is several at its top, so that what stands at an end belongs to one of them."""
    depth = 0
    for part in _TOKEN.findall(regex) if "|" in regex else ():
        depth += part.startswith("(") - (part == ")")
        if part == "|" and depth == 0:
            return True
    return False


class Expressions:
    """Many regexes as one.

    Args:
        regexes: each without anchors.
        memory: bytes that an automaton may take.

    Attributes:
        faults: by place: why that one is not in force.

    """

    def __init__(self, regexes: Sequence[str], memory: int = _ALL_MEMORY) -> None:
        measures = [*map(_measured, regexes)]
        self.faults = {n: one.fault for n, one in enumerate(measures) if one.fault is not None}
        sound = _affordable(measures, self.faults)
        self._sets = list(_sets(regexes, sound, self.faults, memory))

    def matching(self, name: str) -> list[int]:
        """The places of those that match the whole name, in order."""
        data = name.encode()
        return sorted(places[n] for one, places in self._sets for n in one.Match(data) or ())


class _Measure(NamedTuple):
    """What is known of one regex.

    Attributes:
        size: instructions of its program.
        beginning: letters with which every name begins that it matches.

    """

    fault: str | None
    size: int = 0
    beginning: str = ""


@lru_cache(20_000)
def _measured(regex: str) -> _Measure:
    why = _unsaid(regex)
    if why is not None:
        return _Measure(why)
    try:
        compiled = _compiled(regex)
    except _engine().error as error:
        return _Measure(f"no regular expression of RE2: {_said(error)}")
    size = compiled.programsize
    if size > MAX_PROGRAM:
        why = f"a regex of {size} steps for each letter of a name, at most {MAX_PROGRAM}"
        return _Measure(why)
    try:
        low, high = compiled.possiblematchrange(_LONGEST_BEGINNING)
    except _engine().error:  # it begins with anything
        return _Measure(None, size)
    pairs = zip(low.lower(), high.lower(), strict=False)
    same = bytes(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return _Measure(None, size, same.decode("latin-1"))


def _affordable(measures: Sequence[_Measure], faults: dict[int, str]) -> list[int]:
    """The places of those that may be in force together; the others get their fault."""
    # Short beginnings first: whatever begins a regex's own beginning is in `spent` before it.
    order = sorted(
        (n for n in range(len(measures)) if n not in faults),
        key=lambda n: len(measures[n].beginning),
    )
    spent: dict[str, int] = {}
    sound: list[int] = []
    for place in order:
        _, size, beginning = measures[place]
        before = sum(spent.get(beginning[:n], 0) for n in range(len(beginning) + 1))
        if before + size > MAX_STEPS:
            like = f"begin with {beginning!r}" if beginning else "begin with anything"
            faults[place] = (
                f"too many regexes that {like}: together they would slow every name down"
            )
        else:
            spent[beginning] = spent.get(beginning, 0) + size
            sound.append(place)
    return sorted(sound)


def _sets(
    regexes: Sequence[str], places: list[int], faults: dict[int, str], memory: int
) -> Iterator[tuple[re2.Set, list[int]]]:
    if not places:
        return
    try:
        found = _engine().Set.FullMatchSet(_options(memory))
        for place in places:
            found.Add(regexes[place].encode())
        # RE2 tries it out here: what compiles never runs out of memory later.
        found.Compile()
    except _engine().error:
        if len(places) == 1:
            faults[places[0]] = "a regex that takes more memory than there is for it"
            return
        middle = len(places) // 2
        yield from _sets(regexes, places[:middle], faults, memory)
        yield from _sets(regexes, places[middle:], faults, memory)
    else:
        yield found, places


def _unsaid(regex: str) -> str | None:
    """Why the engine is not even asked."""
    if len(regex) > MAX_REGEX:
        return f"a regex of {len(regex)} characters, at most {MAX_REGEX}"
    if not regex.isascii():
        return "a regex with letters beyond ASCII: names are asked in their xn-- form"
    return next((why for part in _TOKEN.findall(regex) if (why := _unlike(part))), None)


def _unlike(part: str) -> str | None:
    """What of it RE2 lacks, or takes for something else than Python."""
    for beginning, what in _LACKING:
        if part.startswith(beginning):
            return f"RE2 has not {what}: say it otherwise, or name the hosts"
    if part[0] == "\\" and part[1:].isdigit() and part != "\\0":
        return "RE2 has not a back reference: say it otherwise, or name the hosts"
    if part[0] == "{" and not _COUNT.fullmatch(part):
        return f"{part} is no count in RE2: write {{0,3}}"
    if part.startswith("[^") and any("A" <= c <= "Z" for c in re.sub(r"\\.", "", part)):
        return f"names are compared in any case: write {part.lower()}"
    return None


def _is_escaped(text: str, at: int) -> bool:
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


@lru_cache(256)
def _compiled(regex: str) -> Any:
    return _engine().compile(regex.encode(), _options(_ONE_MEMORY))


def _options(memory: int) -> re2.Options:
    found = _engine().Options()
    found.max_mem = memory
    found.encoding = found.Encoding.LATIN1  # a dot is a byte, not all of UTF-8
    found.case_sensitive = False
    found.never_capture = True
    found.log_errors = False
    return found


def _engine() -> Any:
    import re2

    return re2


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode("latin-1") if isinstance(text, bytes) else str(text)
