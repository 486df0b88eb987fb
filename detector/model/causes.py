"""What is known of causes: one row each, read from data/causes.toml, asked by everybody.

`CauseTable` is part of what judges know (`detector.known.knowledge.Knowledge.causes`), because a cause's party,
its rung of the handshake and its place among the others are facts about the cause, not about who tells it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import get_args

import msgspec

from detector.model.inquiry import StepName
from detector.model.observation import Cause, Party, Severity

STEPS: tuple[StepName, ...] = get_args(StepName)
# Steps of a probe (`Failure.step`); everything after them is the handshake's.
_DIALLING = ("dns", "tcp", "proxy")

# Lines of a configuration that mend a cause, by cause and program.
Lines = Mapping[str, Mapping[str, str]]


class Also(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What another party can do instead, where it is not shown which of them has to."""

    party: Party
    fix: str


class CauseInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cause as everybody should hear of it.

    Attributes:
        party: who acts.
        step: the rung on which it breaks, where the circumstances say nothing else.
        text, fix: what it is, and what the party does.
        also: what another party can do instead.
        confirm: the command that confirms it, without the way to the server.
        shows: one of these texts is in what the command says; none of them: it fails.
        look: what it says has to be looked at, whether it fails or not.
        references: where the claim is from.
        handshake: one handshake shows it.
        rule: an observation can show it; otherwise only texts and logs name it.
        end: a bare way to end, left out beside what explains an end.
        explains: it explains how the connection ended.
        beside: causes beside which it is left out.

    """

    id: str
    party: Party
    step: StepName
    text: str
    fix: str
    confirm: str
    references: tuple[str, ...]
    also: Also | None = None
    shows: tuple[str, ...] = ()
    look: bool = False
    handshake: bool = False
    rule: bool = True
    end: bool = False
    explains: bool = False
    beside: tuple[str, ...] = ()

    @property
    def advice(self) -> tuple[tuple[Party, str], ...]:
        """Who does what about it, the one who has to in front."""
        also = ((self.also.party, self.also.fix),) if self.also is not None else ()
        return ((self.party, self.fix), *also)


class CauseTable:
    """All rows, the cause to mend first in front."""

    def __init__(self, rows: Iterable[CauseInfo]) -> None:
        self.rows = tuple(rows)
        self._by_id = {row.id: row for row in self.rows}

    def __getitem__(self, name: str) -> CauseInfo:
        """Raises KeyError for an id that no row has."""
        return self._by_id[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self.rows)

    def cause(self, name: str, severity: Severity, text: str, party: Party | None = None) -> Cause:
        """A cause that applies, by the row's party unless another one has to act."""
        return Cause(name, party or self[name].party, severity, text)

    def dialling_step(self, name: str) -> str:
        """The step of a probe that fails by this cause: dns, tcp, proxy or tls."""
        step = self[name].step
        return step if step in _DIALLING else "tls"

    @cached_property
    def rules(self) -> tuple[str, ...]:
        """Causes that an observation can show, in order."""
        return tuple(row.id for row in self.rows if row.rule)

    @cached_property
    def one_handshake(self) -> tuple[str, ...]:
        """Causes that one handshake shows, in order."""
        return tuple(row.id for row in self.rows if row.handshake)

    @cached_property
    def left_out_beside(self) -> dict[str, frozenset[str]]:
        """By cause, those beside which it is left out."""
        explaining = frozenset(row.id for row in self.rows if row.explains)
        return {
            row.id: frozenset(row.beside) | (explaining if row.end else frozenset())
            for row in self.rows
            if row.end or row.beside
        }
