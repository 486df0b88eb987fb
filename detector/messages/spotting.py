"""Which known texts, numbers and alerts stand in lines, and which of them say something there.

Rules
-----
1. A text of TLS's own words says something wherever it stands, but not on a line that tells a success.
2. Words of everyday life do only near something of TLS, and ways to end a connection beside it or beside https: on a line
   that names other ports they are those of another protocol.
3. An alert is the *other* side's complaint; the words around it are the alert's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from detector.messages import alerts
from detector.messages.blocks import Found
from detector.messages.finding import Hit, Squeezed, outermost
from detector.messages.marking import (
    is_no_failure,
    names_tls,
    other_port,
    strongly_marked,
    telling,
    weakly_marked,
)
from detector.messages.reading import Line
from detector.messages.table import ErrorTable, ErrorText, as_number
from detector.messages.weighing import NOT_TRUSTED, Clue
from detector.model.alerts import NAMES, Meaning, Side, meanings

# Lines in which something of TLS makes words of everyday life count, and in which https makes ends of connections count.
_NEAR, _NEXT = 1, 1
_TRACE = 6  # lines of a stack trace in which a handshake makes an end count
_NUMBERS = 2000  # of one family, in one text
_SHORT = 2  # spaces in a known text below which it has to stand on the line itself
_WRAPS = 24  # characters around an alert whose words are the alert's
# Ways to end that the table of causes does not mark as ends.
_WAYS_TO_END = frozenset(("connection-reset", "silent-drop", "closed-during-handshake"))
# Those that a runtime tells of TLS in a text of their own ("socket hang up"): enough where it is all there is.
_ALL_THERE_IS = frozenset(("connection-reset", "closed-during-handshake"))
# Families whose codes for the end of a connection are TLS's or a browser's own.
_OWN_ENDS = ("Chromium", "Chrome", "Firefox", "Edge", "NSS")
# Texts that `explain --watch` adds.
_TOLD_BY_US = frozenset(("exit codes",))


def spotted(text: str, lines: Sequence[Line], table: ErrorTable, writer: Side) -> list[Found]:
    """Everything known in the lines, with its place; `text` is the lines as one."""
    squeezed = Squeezed(text)
    found: list[Found] = []
    spans: list[tuple[int, int]] = []
    for number, start, end in alerts.alerts_in(text, table.spellings):
        spans.append((start, end))
        words = f"alert {number} {NAMES.get(number, '')}".strip()
        found.append(Found(squeezed.line_at(start), Clue(words, meanings(number, writer))))
    other: Side = "client" if writer == "server" else "server"
    for number, start, end in alerts.alerts_sent(text, table.spellings):
        # As the one would read it who received it.
        spans.append((start, end))
        clue = Clue(
            f"sent alert {number} {NAMES.get(number, '')}".strip(),
            meanings(number, other),
            generic=True,
        )
        found.append(Found(squeezed.line_at(start), clue))
    near = _Nearness(lines)
    finder, known = table.text_finder
    said: dict[Hit, Clue] = {}
    once: set[tuple[int, int]] = set()
    for hit in finder.find(squeezed):
        if (hit.tag, hit.line) in once:
            continue  # once a line is enough
        once.add((hit.tag, hit.line))
        row, name = known[hit.tag]
        if row.side not in (None, writer):
            continue
        if any(start - _WRAPS <= hit.start and hit.end <= end + _WRAPS for start, end in spans):
            continue
        one = _clue(row, name, hit, squeezed, near, table, writer)
        if one is not None:
            said[hit] = one
    found += [Found(hit.line, said[hit]) for hit in outermost(list(said))]
    found += _coded(text, squeezed, near, table)
    return found


# A server that verifies a chain has been shown a client's.
_REJECTED = Meaning("client-certificate-rejected", "likely")


def _clue(
    row: ErrorText,
    name: str,
    hit: Hit,
    text: Squeezed,
    near: _Nearness,
    table: ErrorTable,
    writer: Side,
) -> Clue | None:
    """What a text that was found says here; None where it says nothing."""
    if not row.meanings or near.holds(is_no_failure, hit.line):
        return None
    info = table.causes[row.meanings[0].cause]
    ends = _ends(table, row)
    by_itself = (
        row.family in _TOLD_BY_US
        or names_tls(name)
        or "https" in name.lower()
        or (telling(name) and not ends)
        or (ends and row.family.startswith(_OWN_ENDS))
    )
    if not by_itself:
        if _denied(text.text, hit.end):
            return None
        if ends and near.holds(other_port, hit.line):
            return None
        whole = info.id in _ALL_THERE_IS and hit.end - hit.start > 0.6 * len(text.text.strip())
        short = name.count(" ") < _SHORT
        close = near.by(hit.line) if ends else near.strong(hit.line, 0 if short else _NEAR)
        if not (close or whole or _asks_proxy(name)):
            return None
    of_client = writer == "server" and row.generic and info.id in NOT_TRUSTED
    meanings = (_REJECTED, *row.meanings) if of_client else row.meanings
    return Clue(name, meanings, everyday=not by_itself, generic=row.generic)


def _asks_proxy(name: str) -> bool:
    """Words about proxies speak for themselves."""
    return any(word in name.lower() for word in ("proxy", "tunnel", "407"))


def _denied(text: str, end: int) -> bool:
    """`has expired: false`."""
    after = text[end : end + 12].lower().lstrip(" \"'=:")
    return after.startswith(
        ("false", "no\n", "no ", "no,", "none", "null", "ok", "0 ")
    ) or after in ("no", "0")


def _coded(text: str, squeezed: Squeezed, near: _Nearness, table: ErrorTable) -> Iterator[Found]:
    """Numbers of the families that say how theirs stand in a text."""
    for pattern, family in table.code_patterns:
        rows = table.by_code.get(family, {})
        seen: set[tuple[int, int | None]] = set()
        for match in islice(pattern.finditer(text), _NUMBERS):
            number = as_number(match.group(1))
            row = rows.get(number) if number is not None else None
            if row is None or not row.meanings:
                continue
            line = squeezed.line_at(match.start(1))
            if (line, number) in seen:
                continue
            seen.add((line, number))
            # A way to end that has a number is one of TLS only where something of it stands near.
            if _ends(table, row) and not family.startswith(_OWN_ENDS) and not near.by(line):
                continue
            told = f"{family} {match.group(1)}" + (f" {row.name}" if row.name else "")
            yield Found(line, Clue(told, row.meanings, generic=row.generic, number=True))


def _ends(table: ErrorTable, row: ErrorText) -> bool:
    """Whether it only says in which way the connection ended, or that there was none."""
    info = table.causes[row.meanings[0].cause]
    return info.end or info.step in ("dns", "tcp", "proxy") or info.id in _WAYS_TO_END


class _Nearness:
    """What stands in a line or near it; each test is asked once a line."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._known: dict[tuple[Callable[[str], bool], int], bool] = {}

    def holds(self, test: Callable[[str], bool], line: int) -> bool:
        key = test, line
        if key not in self._known:
            self._known[key] = test(self._lines[line].text)
        return self._known[key]

    def strong(self, line: int, reach: int = _NEAR) -> bool:
        """Whether something of TLS stands near."""
        return self._near(strongly_marked, line, reach)

    def by(self, line: int) -> bool:
        """Whether something that runs over TLS stands right beside it."""
        return self.strong(line, _TRACE) or self._near(weakly_marked, line, _NEXT)

    def _near(self, test: Callable[[str], bool], line: int, reach: int) -> bool:
        places = range(max(0, line - reach), min(len(self._lines), line + reach + 1))
        return any(self.holds(test, at) for at in places)
