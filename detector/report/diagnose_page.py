"""Diagnoses as a page: interception first, a table of all servers, then each ladder, its causes and what mends them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import msgspec

from detector.causes.confirm import asks_again
from detector.knowledge.fixes import PROGRAM_NAMES
from detector.model.asked import Asked, asked_by
from detector.model.inquiry import Diagnosis, FoundCause, ServedSuites, Step
from detector.model.observation import Observation
from detector.report.check_json import check_record
from detector.report.check_page import MAX_CARDS, MAX_ROWS, beside, chain_table, facts, left_out
from detector.report.check_text import place
from detector.report.page import Block, Code, Page, Point, TableOf, number, shown
from detector.report.palette import INTERCEPTION, STATES, TONE_OF
from detector.report.pcap_chains import pem
from detector.report.worst import Worst
from detector.wire import registry as r
from detector.wire import suites

_CELL, _NAMED = 240, 12
_USUAL = ("nginx", "apache", "haproxy")
_RUNGS = {"ok": "✓", "failed": "✗", "skipped": "·"}
_SEVERITIES = {"error": "✗", "warning": "!", "note": "·"}
_GRADES = {"good": "good", "dated": "weak", "weak": "bad"}
_WORDS = {"broken": "broken", "works-but": "works, but", "healthy": "healthy"}
_COLUMNS = ("state", "server", "breaks at", "cause", "who acts", "who answers")


class _Row(msgspec.Struct, frozen=True):
    rank: int
    state: str
    cells: tuple[str, ...]
    anchor: str

    @property
    def order(self) -> tuple[int, str]:
        return self.rank, self.cells[1]


class DiagnosePage:
    """Grows with every diagnosis; memory does not, beyond MAX_ROWS and MAX_CARDS.

    Args:
        programs: whose lines stand open; those of nginx, Apache and HAProxy when left out.
        asked: gives the question behind an observation.
        suites: cipher suites were enumerated too.

    """

    def __init__(
        self,
        programs: tuple[str, ...] | None = None,
        asked: Callable[[Observation], Asked] = asked_by,
        *,
        suites: bool = False,
    ) -> None:
        self._programs = programs or _USUAL
        self._asked = asked
        self._suites = suites
        self._states: Counter[str] = Counter()
        self._rows: Worst[_Row] = Worst(MAX_ROWS)
        self._cards: Worst[tuple[_Row, Block]] = Worst(MAX_CARDS)
        self._intercepted: list[tuple[str, str]] = []
        self._between = 0

    def add(self, diagnosis: Diagnosis) -> None:
        """One more server."""
        state = state_of(diagnosis)
        self._states[state] += 1
        between = is_intercepted(diagnosis)
        row = _row(diagnosis, state, 0 if between else 1 + STATES.index(state))
        row = msgspec.structs.replace(row, anchor=f"server-{sum(self._states.values())}")
        self._rows.add(row.rank, lambda: row)
        self._cards.add(row.rank, lambda: (row, self._card(diagnosis, row.anchor)))
        if between:
            self._between += 1
            if len(self._intercepted) < _NAMED:
                self._intercepted.append((row.cells[1], shown(_who(diagnosis), _CELL)))

    def _card(self, diagnosis: Diagnosis, anchor: str) -> Block:
        made = card(diagnosis, anchor, self._programs)
        command = ("tlsight", "diagnose", *(("--suites",) if self._suites else ()))
        line = asks_again(command, self._asked(diagnosis.inquiry.observation))
        return msgspec.structs.replace(
            made, more=(Code("Asks the same again", shown(line, 4_000)), *made.more)
        )

    def page(self) -> Page:
        """What the page says."""
        count = sum(self._states.values())
        rows = sorted(self._rows.all, key=lambda row: row.order)
        cards = sorted(self._cards.all, key=lambda one: one[0].order)
        there = {row.anchor for row, _ in cards}
        kinds = [(state, self._states[state]) for state in STATES if self._states[state]]
        table = TableOf(
            "Servers",
            _COLUMNS,
            tuple(row.cells for row in rows),
            whole=(0, 2, 4, 5),
            head=1,
            anchors=tuple(row.anchor if row.anchor in there else "" for row in rows),
            kinds=tuple(row.state for row in rows),
            styles={**TONE_OF, "works, but": "weak", INTERCEPTION: "intercepted"},
        )
        return Page(
            title="Why the handshake fails" if self._states["broken"] else "The handshakes hold",
            lead=f"{count:,} server{'' if count == 1 else 's'} diagnosed",
            figures=(
                ("servers", number(count)),
                *((_WORDS[state], number(many)) for state, many in kinds),
                *((("intercepted", number(self._between)),) if self._between else ()),
            ),
            first=self._first(),
            choices=tuple(kinds),
            leading=(table,) if count > 1 else (),
            blocks=tuple(block for _, block in cards),
            blocks_title="Each server" if count > 1 else "The server",
            notes=left_out(count, "servers", self._rows.left_out, self._cards.left_out),
        )

    def _first(self) -> tuple[Block, ...]:
        if not self._between:
            return ()
        verb = "server is" if self._between == 1 else "servers are"
        rows = tuple(self._intercepted)
        more = self._between - len(rows)
        text = "Somebody in between decrypts what is sent to them: what is broken may be his doing."
        return (
            Block(
                f"{self._between:,} {verb} intercepted",
                lines=(text, *([f"{more:,} more are in the table."] if more else [])),
                tone="intercepted",
                tables=(TableOf("Who stands in between", ("server", "who"), rows),),
            ),
        )


def state_of(diagnosis: Diagnosis) -> str:
    """One of `palette.STATES`."""
    if not diagnosis.healthy:
        return "broken"
    warned = any(cause.severity == "warning" for cause in diagnosis.causes)
    return "works-but" if warned else "healthy"


def is_intercepted(diagnosis: Diagnosis) -> bool:
    """Somebody stands in between."""
    named = any(cause.id == INTERCEPTION for cause in diagnosis.causes)
    return named or diagnosis.judgement.verdict == "intercepted"


def card(diagnosis: Diagnosis, anchor: str, programs: tuple[str, ...] = _USUAL) -> Block:
    """Everything about one server."""
    record = check_record(diagnosis.judgement)
    state = state_of(diagnosis)
    who = beside(record)
    inquiry = diagnosis.inquiry
    told = {text for cause in diagnosis.causes for text in cause.evidence}
    points = [
        Point("±", shown(text), "", "it depends") for text in diagnosis.flips if text not in told
    ]
    if inquiry.unfinished:
        text = f"Time ran out before these were done: {', '.join(inquiry.unfinished)}; a longer --timeout gives more."
        points.append(Point("!", text, "weak", "unfinished"))
    points += [Point("!", shown(text), "weak", "refused") for text in diagnosis.refused]
    tables = [suites_table(one) for one in inquiry.suites]
    if record.chain:
        tables.append(chain_table(record.chain))
    codes = []
    if diagnosis.repaired:
        label = "The chain that the server should send, verified: the leaf, then its issuers (--repair writes it)"
        codes.append(Code(label, pem(diagnosis.repaired).decode()))
    return Block(
        shown(place(inquiry.observation)),
        badge=_WORDS[state],
        kind=state,
        beside=f"who answers: {record.verdict}{f' {who}' if who else ''}",
        tone="intercepted" if is_intercepted(diagnosis) else TONE_OF[state],
        anchor=anchor,
        steps=tuple(map(rung, diagnosis.steps)),
        inner=tuple(
            cause_block(cause, programs, whole=not place_ or cause.severity == "error")
            for place_, cause in enumerate(diagnosis.causes)
        ),
        points=tuple(points),
        folded="The chain, the handshake and how it was asked",
        facts=facts(record),
        tables=tuple(tables),
        more=tuple(codes),
    )


def rung(step: Step) -> tuple[str, str, str, str]:
    """Mark, name, time and text of one rung."""
    took = f"{step.ms:.1f} ms" if step.ms is not None else ""
    return _RUNGS[step.status], step.step, took, shown(step.text)


def cause_block(cause: FoundCause, programs: tuple[str, ...], *, whole: bool) -> Block:
    """One cause: what shows it, who does what, the lines of each program, and how to be sure."""
    points = [Point("·", shown(text), "dim", "because") for text in cause.evidence]
    codes: list[Code] = []
    folded: list[Code] = []
    if whole:
        points += [Point("→", shown(fix.text), "good", f"{fix.party} acts") for fix in cause.fix]
        for fix in cause.fix:
            for name, label in PROGRAM_NAMES.items():
                if name in fix.config:
                    where = codes if name in programs else folded
                    where.append(Code(label, fix.config[name]))
        if cause.confirm:
            says = f"; it {cause.shows}" if cause.shows else ""
            codes.append(Code(f"To be sure{shown(says)}", shown(cause.confirm, 4_000)))
        if cause.references:
            points.append(Point("§", shown(", ".join(cause.references)), "dim"))
    mark = _SEVERITIES[cause.severity]
    return Block(
        f"{mark} {shown(cause.text)}",
        beside=f"{cause.severity}, {cause.id}, {cause.party} acts",
        tone="intercepted" if cause.id == INTERCEPTION else TONE_OF[cause.severity],
        points=tuple(points),
        codes=tuple(codes),
        folded=f"Lines for {', '.join(code.label for code in folded)}" if folded else "",
        more=tuple(folded),
    )


def suites_table(found: ServedSuites) -> TableOf:
    """Suites of one version, graded, in the order of preference."""
    order = "the server's order" if found.server_prefers else "the client's order"
    rows = tuple(
        (
            suites.grade(code), suites.suite_name(code),
            f"Mozilla {profile}" if (profile := suites.profile(code)) else "in none of Mozilla's profiles",
        )
        for code in found.suites
    )  # fmt: skip
    title = f"{r.version_name(found.version)}, {order}"
    return TableOf(title, ("grade", "suite", "listed"), rows, head=1, styles=_GRADES)


def _row(diagnosis: Diagnosis, state: str, rank: int) -> _Row:
    cause = diagnosis.causes[0] if diagnosis.causes else None
    cells = (
        _WORDS[state],
        shown(place(diagnosis.inquiry.observation), _CELL),
        next((step.step for step in diagnosis.steps if step.status == "failed"), ""),
        cause.id if cause is not None else "",
        cause.party if cause is not None else "",
        diagnosis.judgement.verdict,
    )
    return _Row(rank, state, cells, "")


def _who(diagnosis: Diagnosis) -> str:
    record = check_record(diagnosis.judgement)
    return beside(record) or next(_texts(diagnosis), "somebody unknown")


def _texts(diagnosis: Diagnosis) -> Iterator[str]:
    return (cause.text for cause in diagnosis.causes if cause.id == INTERCEPTION)
