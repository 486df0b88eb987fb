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
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re2

MAX_REGEX = 200
# Instructions of one regex: a name takes at most as many steps for each of its letters. Loose ones have some 100.
MAX_PROGRAM = 2000
_ONE_MEMORY, _ALL_MEMORY = 1 << 20, 64 << 20
# What Python has and RE2 has not, by how it begins.
_UNSAID = (
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
    if len(regex) > MAX_REGEX:
        return f"a regex of {len(regex)} characters, at most {MAX_REGEX}"
    if not regex.isascii():
        return "a regex with letters beyond ASCII: names are asked in their xn-- form"
    for part in _TOKEN.findall(regex):
        why = _unlike(part)
        if why is not None:
            return why
    try:
        size = _compiled(regex).programsize
    except _engine().error as error:
        return f"no regular expression of RE2: {_said(error)}"
    if size > MAX_PROGRAM:
        return f"a regex of {size} steps for each letter of a name, at most {MAX_PROGRAM}"
    return None


def holds(regex: str, name: str) -> bool:
    """Whether it matches the whole name; one with a fault matches none."""
    return fault(regex) is None and _compiled(regex).fullmatch(name.encode()) is not None


def asks_for_colon(regex: str) -> bool:
    """Whether it does so outside of sets; no name holds one."""
    return any(part in (":", "\\:", "[:]") for part in _TOKEN.findall(regex))


def has_alternatives(regex: str) -> bool:
    """Whether it is several at its top, so that what stands at an end belongs to one of them."""
    depth = 0
    for part in _TOKEN.findall(regex):
        depth += part.startswith("(") - (part == ")")
        if part == "|" and depth == 0:
            return True
    return False


class Expressions:
    """Many regexes as one.

    Attributes:
        faults: by place: why that one is not in force.

    """

    def __init__(self, regexes: Sequence[str]) -> None:
        self.faults: dict[int, str] = {}
        for place, regex in enumerate(regexes):
            why = fault(regex)
            if why is not None:
                self.faults[place] = why
        sound = [place for place in range(len(regexes)) if place not in self.faults]
        self._sets = list(_sets(regexes, sound, self.faults))

    def matching(self, name: str) -> list[int]:
        """The places of those that match the whole name."""
        data = name.encode()
        return [places[n] for one, places in self._sets for n in one.Match(data) or ()]


def _sets(
    regexes: Sequence[str], places: list[int], faults: dict[int, str]
) -> Iterator[tuple[re2.Set, list[int]]]:
    if not places:
        return
    try:
        found = _engine().Set.FullMatchSet(_options(_ALL_MEMORY))
        for place in places:
            found.Add(regexes[place].encode())
        # RE2 tries it out here: what compiles never runs out of memory later.
        found.Compile()
    except _engine().error:
        if len(places) == 1:
            faults[places[0]] = "a regex that takes more memory than there is for it"
            return
        middle = len(places) // 2
        yield from _sets(regexes, places[:middle], faults)
        yield from _sets(regexes, places[middle:], faults)
    else:
        yield found, places


def _unlike(part: str) -> str | None:
    """What of it RE2 lacks, or takes for something else than Python."""
    for beginning, what in _UNSAID:
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


@lru_cache(1024)
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
