"""What a program's log looks like, as a table; and the parser that reads by it.

Theory of operation
-------------------
A row has a needle, bytes that every line of its kind holds, and an expression that takes the line apart. A file
is searched for needles, which costs next to nothing, and only the lines around them are read.

Some programs need two lines for one failure: one names the client, another the reason, and the process or
connection id ties them. Rows have a role for that:

event    says everything there is to say.
peer     names the client of a connection (`key`), for later.
hold     says that a handshake failed; a `reason` with the same key may follow and say why.
reason   says why: of what was held, or of the peer that was named.
why      says why before the failure itself is told, in words that say less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from detector.logs.event import Complainant, Event
from detector.logs.pieces import PEER_PORT
from detector.logs.reasons import Reasons
from detector.logs.stamp import Stamps

Role = Literal["event", "peer", "hold", "reason", "why"]
MAX_LINE = 1 << 14
_MAX_OPEN = 1 << 14

# net/http's, which every server in Go has.
GO_LINE = re.compile(rb"http: TLS handshake error from " + PEER_PORT + rb": (?P<reason>[^\"\r\n]+)")


class LineRow(msgspec.Struct, frozen=True):
    """One kind of line.

    Attributes:
        needle: bytes that are in every such line.
        expression: with the groups that it has of: peer, port, name, reason, key.
        upstream: the program was the client.
        cause: where the words need no looking up.
        complainant: with `cause`.

    """

    needle: bytes
    expression: re.Pattern[bytes]
    role: Role = "event"
    upstream: bool = False
    cause: str = ""
    complainant: Complainant | None = None
    noise: bool = False


class BlindSpot(msgspec.Struct, frozen=True):
    """What a program does not log, unless it is told to.

    Attributes:
        shown: bytes of lines that are only there when it was told to.
        text: what is hidden.
        directive: the line that shows it.
        config: expression that holds in a configuration that shows it; "" where no file says it.

    """

    shown: tuple[bytes, ...]
    text: str
    directive: str
    config: str = ""


class ChangeRow(msgspec.Struct, frozen=True):
    """A line that says that something about the program was changed."""

    needle: bytes
    text: str


class Program(msgspec.Struct, frozen=True):
    """One program's log.

    Attributes:
        marks: expressions; a line that fits one is this program's.
        config_marks: expression that holds in its configuration file.

    """

    name: str
    title: str
    marks: tuple[re.Pattern[bytes], ...]
    rows: tuple[LineRow, ...]
    blind: tuple[BlindSpot, ...] = ()
    changes: tuple[ChangeRow, ...] = ()
    config_marks: str = ""

    @property
    def needles(self) -> tuple[bytes, ...]:
        """All needles, those inside of another one left out."""
        found = {row.needle for row in self.rows} | {change.needle for change in self.changes}
        return tuple(sorted(n for n in found if not any(o != n and o in n for o in found)))


class Parser:
    """Reads one program's lines, in order."""

    def __init__(self, program: Program, reasons: Reasons, stamps: Stamps) -> None:
        self.program = program
        self.changes: list[tuple[float | None, str]] = []
        self._reasons = reasons
        self._stamps = stamps
        self._peers: dict[bytes, tuple[str, int | None]] = {}
        self._why: dict[bytes, bytes] = {}
        self._held: dict[bytes, tuple[LineRow, dict[str, bytes], float | None]] = {}

    def read(self, line: bytes) -> Iterator[Event]:
        """Failures that this line completes."""
        line = line[:MAX_LINE]
        for row in self.program.rows:
            if row.needle not in line:
                continue
            found = row.expression.search(line)
            if found is not None:
                yield from self._take(row, _groups(found), self._stamps.of(line))
                return
        for change in self.program.changes:
            if change.needle in line and len(self.changes) < 256:
                self.changes.append((self._stamps.of(line), change.text))

    def finish(self) -> Iterator[Event]:
        """Failures whose reason never came."""
        for row, groups, at in self._held.values():
            yield self._event(row, groups, at)
        self._held.clear()

    def _take(self, row: LineRow, groups: dict[str, bytes], at: float | None) -> Iterator[Event]:
        key = groups.get("key", b"")
        if row.role == "peer":
            if len(self._peers) >= _MAX_OPEN:
                del self._peers[next(iter(self._peers))]
            self._peers.pop(key, None)
            self._peers[key] = _peer(groups)
            return
        if row.role == "why":
            if len(self._why) >= _MAX_OPEN:
                del self._why[next(iter(self._why))]
            self._why[key] = groups.get("reason", b"")
            return
        if row.role == "hold":
            before = self._held.pop(key, None)
            if before is None and len(self._held) >= _MAX_OPEN:
                before = self._held.pop(next(iter(self._held)))
            if before is not None:
                yield self._event(*before)
            self._held[key] = row, groups, at
            return
        held = self._held.pop(key, None) if key else None
        if held is not None:
            if row.role == "reason":
                groups = {**held[1], **groups}
                row = msgspec.structs.replace(row, upstream=held[0].upstream)
            else:
                yield self._event(*held)
        why = self._why.pop(key, None)
        if why is not None and b"error:" not in groups.get("reason", b""):
            groups = {**groups, "reason": why}
        yield self._event(row, groups, at if at is not None or held is None else held[2])

    def _event(self, row: LineRow, groups: dict[str, bytes], at: float | None) -> Event:
        words = groups.get("reason", b"").decode("utf-8", "backslashreplace").strip()
        peer, port = _peer(groups)
        if not peer and "key" in groups:
            peer, port = self._peers.get(groups["key"], ("", None))
        name = groups.get("name", b"").decode("ascii", "backslashreplace").strip("\"' ")
        meant = self._reasons.of(words, upstream=row.upstream)
        return Event(
            at=at,
            program=self.program.name,
            cause=row.cause or meant.cause,
            complainant=row.complainant if row.cause else meant.complainant,
            reason=words,
            peer=peer or None,
            port=port,
            name=name if name not in ("", "-", "_") else None,
            alert=meant.alert,
            noise=row.noise or (meant.noise and not row.cause),
            upstream=row.upstream,
        )


def _groups(found: re.Match[bytes]) -> dict[str, bytes]:
    return {name: value for name, value in found.groupdict().items() if value is not None}


def _peer(groups: dict[str, bytes]) -> tuple[str, int | None]:
    address = groups.get("peer", b"").decode("ascii", "replace")
    if address.startswith("::ffff:") and "." in address:
        address = address[7:]
    port = groups.get("port", b"")
    return address, int(port) if 0 < len(port) < 6 else None
