"""A grade as a page: the letter and what decides it first, then what failed with what can be done, then every test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from detector.report.grade_json import GradeAnswerRecord, GradeRecord
from detector.report.grade_text import HEADINGS, OUTCOMES
from detector.report.page import Block, Code, Page, Point, TableOf, number, shown

_TONES = {"A": "good", "B": "good", "C": "weak", "D": "bad", "F": "intercepted"}
_OUTCOMES = {"passed": "good", "failed": "bad", "passed-on": "weak"}
_CELL = 400


def grade_page(found: GradeRecord) -> Page:
    """What the page says."""
    counts = Counter(one.outcome for one in found.answers)
    failed = [one for one in found.answers if one.outcome == "failed"]
    graded = found.letter is not None
    return Page(
        title=f"Grade {found.letter}" if graded else "No grade",
        lead=f"Who decrypts, {shown(found.route)}, {found.at:%Y-%m-%d %H:%M:%S} UTC",
        figures=tuple((word, number(counts[one])) for one, word in OUTCOMES if counts[one]),
        first=(_first(found),) if graded else (),
        leading=tuple(_tables(found)),
        blocks=tuple(map(_card, failed)),
        blocks_title="What failed, and what can be done",
        notes=tuple(filter(None, (_sentence(found.why_none), shown(found.unasked)))),
    )  # fmt: skip


def _sentence(text: str) -> str:
    return f"{shown(text)[:1].upper()}{shown(text)[1:]}." if text else ""


def _first(found: GradeRecord) -> Block:
    by_id = {one.test: one for one in found.answers}
    tone = _TONES[found.letter or "F"]
    reasons = [by_id[name] for name in found.reasons]
    return Block(
        f"Grade {found.letter}",
        lines=() if reasons else ("Everything that could be asked it did well.",),
        tone=tone,
        points=tuple(Point("✗", f"{one.bad} {one.why}", tone, one.test) for one in reasons),
    )


def _tables(found: GradeRecord) -> Iterator[TableOf]:
    for group, heading in HEADINGS.items():
        rows = [one for one in found.answers if one.group == group]
        if rows:
            yield TableOf(
                heading, ("test", "outcome", "at best", "what was seen"), tuple(map(_row, rows)),
                whole=(0, 1, 2), anchors=tuple(map(_anchor, rows)), styles=dict(_OUTCOMES),
            )  # fmt: skip


def _row(one: GradeAnswerRecord) -> tuple[str, ...]:
    told = one.seen or (one.bad if one.outcome == "failed" else "nothing against it")
    return one.test, one.outcome, one.best if one.outcome == "failed" else "", shown(told, _CELL)


def _anchor(one: GradeAnswerRecord) -> str:
    return f"test-{one.test}" if one.outcome == "failed" else ""


def _card(one: GradeAnswerRecord) -> Block:
    return Block(
        one.bad.removesuffix("."), badge=one.best, beside=one.test, tone=_TONES[one.best], anchor=_anchor(one),
        lines=tuple(filter(None, (shown(one.seen, _CELL), one.why))),
        codes=(Code("what its maker can do", one.vendor),),
        folded="Who asks the same", facts=tuple((str(place), text) for place, text in enumerate(one.sources, 1)),
    )  # fmt: skip
