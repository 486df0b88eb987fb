"""Lines that belong together: one failure each.

Rules
-----
1. What was found on lines near each other is one failure, whatever number of texts tells it.
2. Where such lines name different hosts, each with something found of its own, they are failures of these hosts.
3. Where the same failure is told line after line (a retry), it is as many times: a line that says again what the block has
   said already, with a time in front, begins the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from detector.messages.reading import Line
from detector.messages.target import best_of, targets_in
from detector.messages.weighing import Clue, is_not_trusted, without_idle

_GAP = 12
# Of a log that fails line after line its beginning and its end are read for hosts.
_FIRST, _LAST = 100, 900


class Found(msgspec.Struct, frozen=True):
    """A known text and the index of its line."""

    line: int
    clue: Clue


class Block(msgspec.Struct, frozen=True):
    """One failure.

    Attributes:
        first, last: indices of its lines.
        numbers: those lines' numbers in the file.
        host: the target that its lines name, None for none.

    """

    first: int
    last: int
    numbers: tuple[int, int]
    clues: tuple[Clue, ...]
    host: str | None = None

    @property
    def texts(self) -> frozenset[str]:
        """What was found in it."""
        return frozenset(clue.told for clue in self.clues)

    @property
    def says(self) -> frozenset[str]:
        """Causes that its texts name before others."""
        return frozenset(clue.meanings[0].cause for clue in without_idle(self.clues))

    @property
    def not_trusted(self) -> bool:
        """Whether it says that a chain is not trusted."""
        return any(is_not_trusted(clue) for clue in self.clues)


def blocks_of(lines: Sequence[Line], found: Iterable[Found]) -> list[Block]:
    """The failures, in order."""
    by_line: dict[int, list[Clue]] = {}
    for one in found:
        by_line.setdefault(one.line, []).append(one.clue)
    groups: list[list[int]] = []
    places = sorted(by_line)
    if len(places) > _FIRST + _LAST:
        places = places[:_FIRST] + places[-_LAST:]
    for at in places:
        if groups and lines[at].number - lines[groups[-1][-1]].number <= _GAP:
            groups[-1].append(at)
        else:
            groups.append([at])
    blocks: list[Block] = []
    for group in groups:
        blocks += _by_host(group, lines, by_line)
    return blocks


def _by_host(
    group: list[int], lines: Sequence[Line], by_line: dict[int, list[Clue]]
) -> list[Block]:
    """A group's lines, apart where they name different hosts that each failed."""
    parts: list[tuple[list[int], str | None]] = []
    for at in group:
        named = best_of([one for one in targets_in(lines[at].text) if one.strength > 4])
        host = named.host if named else None
        if parts and (host is None or parts[-1][1] is None or host == parts[-1][1]):
            before, known = parts[-1]
            before.append(at)
            parts[-1] = (before, known or host)
        else:
            parts.append(([at], host))
    blocks = []
    for places, host in parts:
        clues = tuple(clue for at in places for clue in by_line[at])
        numbers = (lines[places[0]].number, lines[places[-1]].number)
        blocks.append(Block(places[0], places[-1], numbers, clues, host))
    return blocks
