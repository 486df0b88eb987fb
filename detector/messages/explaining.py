"""From a pasted message or a log to its failures, each with ranked causes.

Theory of operation
-------------------
1. The text becomes lines without what stands around their words (`reading`, `layout`), and known texts are found in it
   however it was wrapped (`finding`): error texts, numbers of the families that have some, and alerts.
2. Words of everyday life count only where something of TLS stands near (`spotting`, `marking`).
3. Lines that belong together are one failure (`blocks`). The side that wrote it is told from the marks of server logs. An
   alert is the *other* side's complaint; its meaning depends on who received it.
4. Who wrote it, whom it asked and what else stands around (`circumstances`) is weighed with the texts (`weighing`).
5. The same failure told many times is one answer. The most frequent and the last come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import msgspec

from detector.causes.confirm import confirmation
from detector.messages import alerts
from detector.messages.blocks import Block, blocks_of
from detector.messages.circumstances import Circumstances, circumstances
from detector.messages.reading import Line, lines_of
from detector.messages.spotting import spotted
from detector.messages.table import ErrorTable
from detector.messages.weighing import Weighed, weighed
from detector.model.alerts import Likelihood, Side
from detector.model.asked import PLACEHOLDER, Asked, asked_of_nobody
from detector.model.causes import CauseInfo
from detector.model.programs import Program, ProgramFix
from detector.model.recorded import Recorded

MAX_ANSWERS = 12
# Failures whose circumstances are looked at, of those alike and of all; hosts that are compared; places that an answer names.
_ALIKE, _THOUGHT_ABOUT, _HOSTS, _TIMES = 3, 60, 32, 1000
_AROUND = 40  # lines in which a failure's circumstances are looked for
# Kinds whose servers and clients are one family: who runs the broker has the clients that refuse it.
_FAMILIES = frozenset(("database", "iot"))
_LONGEST, _WIDEST = 80, 2000  # lines and characters of a failure's own text


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
    writer = side or alerts.side_of(f"{text}\n{_writers(lines)}")
    blocks = blocks_of(lines, spotted(text, lines, table, writer))
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
    """Each block with its answer. Of those alike, and of very many, only the last are thought about; the others have the
    answer of one that says the same, or none.
    """
    alike: Counter[tuple[frozenset[str], str | None]] = Counter()
    thought: dict[int, Answer | None] = {}
    for at in reversed(range(len(blocks))):
        key = blocks[at].texts, blocks[at].host
        alike[key] += 1
        if alike[key] <= _ALIKE and len(thought) < _THOUGHT_ABOUT:
            thought[at] = answer(blocks[at])
    known = {blocks[at].texts: one for at, one in thought.items() if one is not None}
    found: list[tuple[Block, Answer]] = []
    for at, block in enumerate(blocks):
        one = thought.get(at)
        if at not in thought and block.texts in known:
            hosts = (block.host,) if block.host else ()
            one = msgspec.structs.replace(known[block.texts], hosts=hosts, lines=())
        if one is not None:
            found.append((block, one))
    return found


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
        by=_writers(lines[first:last]),
    )
    causes = weighed(block.clues, seen.signals, table)
    if not causes:
        return None
    # A server asked nobody, and its own settings are not those by which a client of its kind trusts others.
    whom = seen.whom if writer == "client" else None
    asked = _asked(seen) if writer == "client" else asked_of_nobody(None)
    programs = tuple(
        table.programs[name] for name in seen.spoken.programs if name in table.programs
    )[:4]
    mending = [one for one in programs if writer == "client" or one.kind in _FAMILIES]
    return Answer(
        causes=tuple(_explanation(one, table, asked) for one in causes),
        programs=programs,
        speaker=seen.spoken.programs[0] if seen.spoken.programs else "",
        library=seen.spoken.library,
        platform=seen.spoken.platform,
        version=seen.spoken.version,
        host=whom.host if whom else None,
        port=asked.port if whom else None,
        proxy=f"{seen.proxy[0]}:{seen.proxy[1]}" if seen.proxy else None,
        hosts=seen.hosts,
        lines=(block.numbers,),
        remedies=_remedies(causes, mending, seen),
    )


def _writers(lines: Sequence[Line]) -> str:
    """The programs that a log names before its lines, each in a line of its own."""
    return "\n".join(dict.fromkeys(line.by for line in lines if line.by))


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
