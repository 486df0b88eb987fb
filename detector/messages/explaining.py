"""From a pasted message or a log to its failures, each with ranked causes.

Theory of operation
-------------------
1. The text becomes lines without what stands around their words (`reading`, `layout`), and known texts are found in it
   however it was wrapped (`finding`): error texts, numbers of the families that have some, and alerts.
2. Words of everyday life count only where something of TLS stands near (`marking`).
3. Lines that belong together are one failure (`blocks`). The side that wrote it is told from the marks of server logs. An
   alert is the *other* side's complaint; its meaning depends on who received it.
4. Who wrote it, whom it asked and what else stands around (`circumstances`) is weighed with the texts (`weighing`).
5. The same failure told many times is one answer. The most frequent and the last come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from detector.causes.confirm import confirmation
from detector.messages import alerts
from detector.messages.blocks import Block, Found, blocks_of
from detector.messages.circumstances import Circumstances, circumstances
from detector.messages.finding import Hit, Squeezed, outermost
from detector.messages.marking import (
    is_no_failure,
    names_tls,
    other_port,
    strongly_marked,
    telling,
    weakly_marked,
)
from detector.messages.reading import Line, lines_of
from detector.messages.table import ErrorTable, ErrorText, as_number
from detector.messages.weighing import Clue, Weighed, weighed
from detector.model.alerts import NAMES, Likelihood, Side, meanings
from detector.model.asked import PLACEHOLDER, Asked, asked_of_nobody
from detector.model.causes import CauseInfo
from detector.model.programs import Program, ProgramFix
from detector.model.recorded import Recorded

MAX_ANSWERS = 12
# Lines in which something of TLS makes words of everyday life count, and in which https makes ends of connections count.
_NEAR, _NEXT = 1, 1
_TRACE = 6  # lines of a stack trace in which a handshake makes an end count
# Failures whose circumstances are looked at, hosts that are compared, and places that an answer names.
_THOUGHT_ABOUT, _HOSTS, _TIMES = 60, 32, 1000
_NUMBERS = 2000  # of one family, in one text
_SHORT = 2  # spaces in a known text below which it has to stand on the line itself
_AROUND = 40  # lines in which a failure's circumstances are looked for
_LONGEST, _WIDEST = 80, 2000  # lines and characters of a failure's own text
_WRAPS = 24  # characters around an alert whose words are the alert's


class Explanation(msgspec.Struct, frozen=True):
    """One cause that the message can have.

    Attributes:
        identifiers: the known texts that led here.
        tell_apart: the command that confirms it, asked as the program asked.
        probability: beside all others and something else; 0 to 1.
        signals: what of the circumstances speaks for it, one sentence each.

    """

    cause: CauseInfo
    likelihood: Likelihood
    identifiers: tuple[str, ...]
    tell_apart: str
    probability: float = 0.0
    signals: tuple[str, ...] = ()


class Remedy(msgspec.Struct, frozen=True):
    """What mends a cause in the program that wrote the message."""

    cause: str
    program: Program
    fix: ProgramFix


class Answer(msgspec.Struct, frozen=True):
    """One failure.

    Attributes:
        causes: the likeliest first.
        programs: who wrote it, the one whose settings count first in front.
        library, platform, version: as far as the text shows them, else "".
        host, port: the target; proxy: what stands before it.
        hosts: all that failed so.
        lines: first and last line of each time that it is told, counted from 1; of very many times the last.
        times: how often it is told.
        remedies: settings of the program that mend its likeliest causes.

    """

    causes: tuple[Explanation, ...]
    programs: tuple[Program, ...]
    speaker: str
    library: str
    platform: str
    version: str
    host: str | None
    port: int | None
    proxy: str | None
    hosts: tuple[str, ...]
    lines: tuple[tuple[int, int], ...]
    remedies: tuple[Remedy, ...]
    times: int = 1


class Explained(Recorded, msgspec.Struct, frozen=True):
    """A message with its failures; none where nothing in it is known. As a sequence it is the causes of the first."""

    text: str
    answers: tuple[Answer, ...] = ()

    @property
    def causes(self) -> tuple[Explanation, ...]:
        """Of the first failure, the likeliest first."""
        return self.answers[0].causes if self.answers else ()

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.causes)

    def __len__(self) -> int:
        return len(self.causes)

    def __getitem__(self, place: int) -> Explanation:
        return self.causes[place]


def explain(text: str, table: ErrorTable, side: Side | None = None) -> tuple[Explanation, ...]:
    """Causes of the first failure, the likeliest first; empty where nothing is known. Never raises.

    Args:
        text: the message, or a log.
        table: what is known.
        side: who wrote it; told from the text when left out.

    """
    found = answers(lines_of(text), table, side)
    return found[0].causes if found else ()


def answers(
    lines: Sequence[Line], table: ErrorTable, side: Side | None = None
) -> tuple[Answer, ...]:
    """The failures that lines tell, the most frequent and the last first. Never raises."""
    text = "\n".join(line.text for line in lines)
    writer = side or alerts.side_of(text)
    blocks = blocks_of(lines, _found(text, lines, table, writer))
    failing = tuple(dict.fromkeys(one.host for one in blocks if one.host and one.not_trusted))
    told = _told(blocks, lambda block: _answer(block, lines, table, failing[-_HOSTS:], writer))
    merged: dict[tuple[str, str], list[tuple[Block, Answer]]] = {}
    for block, answer in told:
        key = (answer.causes[0].cause.id, answer.speaker)
        merged.setdefault(key, []).append((block, answer))
    order = sorted(merged.values(), key=lambda each: (-len(each), -each[-1][0].last))
    return tuple(_merged(each) for each in order[:MAX_ANSWERS])


def _told(
    blocks: Sequence[Block], answer: Callable[[Block], Answer | None]
) -> list[tuple[Block, Answer]]:
    """Each block with its answer. Of very many only the last are thought about; those before them that say the same as one
    of these have its answer, the others none.
    """
    found: list[tuple[Block, Answer]] = []
    known: dict[frozenset[str], Answer] = {}
    for block in blocks[-_THOUGHT_ABOUT:]:
        one = answer(block)
        if one is not None:
            found.append((block, one))
            known.setdefault(block.texts, one)
    before = [
        (
            block,
            msgspec.structs.replace(
                known[block.texts], hosts=(block.host,) if block.host else (), lines=()
            ),
        )
        for block in blocks[:-_THOUGHT_ABOUT]
        if block.texts in known
    ]
    return before + found


def _found(text: str, lines: Sequence[Line], table: ErrorTable, writer: Side) -> list[Found]:
    """Everything known in the lines, with its place."""
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
        one = _clue(row, name, hit, squeezed, near, table)
        if one is not None:
            said[hit] = one
    found += [Found(hit.line, said[hit]) for hit in outermost(list(said))]
    found += _coded(text, squeezed, near, table)
    return found


def _clue(
    row: ErrorText, name: str, hit: Hit, text: Squeezed, near: _Nearness, table: ErrorTable
) -> Clue | None:
    """What a text that was found says here; None where it says nothing."""
    if not row.meanings or near.is_no_failure(hit.line):
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
        if ends and near.other_port(hit.line):
            return None
        whole = info.id in _ALL_THERE_IS and hit.end - hit.start > 0.6 * len(text.text.strip())
        short = name.count(" ") < _SHORT
        close = near.by(hit.line) if ends else near.strong(hit.line, 0 if short else _NEAR)
        if not (close or whole or _asks_proxy(name)):
            return None
    return Clue(name, row.meanings, everyday=not by_itself, generic=row.generic)


# Ways to end that the table of causes does not mark as ends.
_WAYS_TO_END = frozenset(("connection-reset", "silent-drop", "closed-during-handshake"))
# Those that a runtime tells of TLS in a text of their own ("socket hang up"): enough where it is all there is.
_ALL_THERE_IS = frozenset(("connection-reset", "closed-during-handshake"))
# Families whose codes for the end of a connection are TLS's or a browser's own.
_OWN_ENDS = ("Chromium", "Chrome", "Firefox", "Edge", "NSS")


# Texts that `explain --watch` adds.
_TOLD_BY_US = frozenset(("exit codes",))


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
    """Whether something of TLS stands near a line, looked up once a line."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._strong: dict[int, bool] = {}
        self._weak: dict[int, bool] = {}

    def strong(self, line: int, reach: int = _NEAR) -> bool:
        return self._near(line, self._strong, strongly_marked, reach)

    def by(self, line: int) -> bool:
        """Whether something that runs over TLS stands right beside it."""
        return self.strong(line, _TRACE) or self._near(line, self._weak, weakly_marked, _NEXT)

    @lru_cache(maxsize=8192)  # noqa: B019 (lives as long as one text)
    def is_no_failure(self, line: int) -> bool:
        return is_no_failure(self._lines[line].text)

    @lru_cache(maxsize=8192)  # noqa: B019
    def other_port(self, line: int) -> bool:
        return other_port(self._lines[line].text)

    def _near(self, line: int, known: dict[int, bool], test: Any, reach: int) -> bool:
        for at in range(max(0, line - reach), min(len(self._lines), line + reach + 1)):
            if at not in known:
                known[at] = test(self._lines[at].text)
            if known[at]:
                return True
        return False


def _answer(
    block: Block, lines: Sequence[Line], table: ErrorTable, failing: tuple[str, ...], writer: Side
) -> Answer | None:
    # Of a long block its last lines: what is told again and again is told there too.
    start = max(block.first, block.last - _LONGEST)
    own = "\n".join(line.text[:_WIDEST] for line in lines[start : block.last + 1])
    first, last = max(0, start - _AROUND), block.last + _AROUND // 2
    around = "\n".join(line.text[:_WIDEST] for line in lines[first:last])
    seen = circumstances(
        own,
        around,
        table,
        failing if block.not_trusted else (),
        says=block.says,
        server=writer == "server",
    )
    causes = weighed(block.clues, seen.signals, table)
    if not causes:
        return None
    asked = asked_of_nobody(None) if writer == "server" else _asked(seen)
    programs = tuple(
        table.programs[name] for name in seen.spoken.programs if name in table.programs
    )[:4]
    return Answer(
        causes=tuple(_explanation(one, table, asked) for one in causes),
        programs=programs,
        speaker=seen.spoken.programs[0] if seen.spoken.programs else "",
        library=seen.spoken.library,
        platform=seen.spoken.platform,
        version=seen.spoken.version,
        host=seen.whom.host if seen.whom and writer == "client" else None,
        port=asked.port if seen.whom and writer == "client" else None,
        proxy=f"{seen.proxy[0]}:{seen.proxy[1]}" if seen.proxy else None,
        hosts=seen.hosts,
        lines=(block.numbers,),
        # A server's own settings are not those by which a client of its kind trusts others.
        remedies=_remedies(causes, programs, seen) if writer == "client" else (),
    )


def _asked(seen: Circumstances) -> Asked:
    """The question as the program asked it."""
    whom, spoken = seen.whom, seen.spoken
    port = (whom.port if whom and whom.port else None) or spoken.port or 443
    starttls = (
        whom.starttls
        if whom and whom.starttls
        else spoken.starttls
        if port == spoken.port
        else None
    )
    host = whom.host if whom else PLACEHOLDER
    proxy = f"http://{seen.proxy[0]}:{seen.proxy[1]}" if seen.proxy else None
    return Asked(host, port, host, starttls=starttls, proxy=proxy)


def _explanation(one: Weighed, table: ErrorTable, asked: Asked) -> Explanation:
    cause = table.causes[one.cause]
    return Explanation(
        cause,
        one.likelihood,
        one.told,
        confirmation(cause, asked).command,
        one.probability,
        one.signals,
    )


def _remedies(
    causes: Sequence[Weighed], programs: Sequence[Program], seen: Circumstances
) -> tuple[Remedy, ...]:
    """Settings for the likeliest causes: those of the program, then those of what is beneath it."""
    found: list[Remedy] = []
    platform = seen.spoken.platform
    for one in causes[:3]:
        for program in programs[:3]:
            for fix in program.fixes(one.cause):
                fits = not (fix.platform and platform) or fix.platform == platform
                if fits and not any(_same(before.fix, fix) for before in found):
                    found.append(Remedy(one.cause, program, fix))
    return tuple(found[:8])


def _same(one: ProgramFix, other: ProgramFix) -> bool:
    """Whether two rows say the same line."""
    return (one.sets, one.value, one.command, one.file, one.lines) == (
        other.sets, other.value, other.command, other.file, other.lines,
    )  # fmt: skip


def _merged(each: list[tuple[Block, Answer]]) -> Answer:
    """One answer for the same failure told many times: that of the last, with all lines and hosts."""
    _, last = each[-1]
    hosts = tuple(dict.fromkeys(host for _, one in each for host in one.hosts))
    lines = tuple(block.numbers for block, _ in each)
    return msgspec.structs.replace(last, hosts=hosts[:32], lines=lines[-_TIMES:], times=len(lines))
