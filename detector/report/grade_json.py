"""What `tlsight grade --json` prints: one object."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec

from detector.model.grades import GRADES_SCHEMA, Grade, GradeTests, Group, Letter, Outcome, Seen


class GradeAnswerRecord(msgspec.Struct, frozen=True):
    """One test with its outcome.

    Attributes:
        test: stable id.
        group: heading under which it stands.
        outcome: passed; failed; passed-on: the fault reaches the client, who can refuse; not-asked; unclear.
        seen: what decided, in words.
        best: the best letter that can stand where it fails.
        question: what was asked.
        bad: what is said where it fails.
        why: what an attacker gains.
        vendor: what who makes or runs it can do.
        sources: who asks the same.

    """

    test: str
    group: Group
    outcome: Outcome
    seen: str
    best: Letter
    question: str
    bad: str
    why: str
    vendor: str
    sources: tuple[str, ...]


class GradeRecord(msgspec.Struct, frozen=True):
    """A grade.

    Attributes:
        schema: "tlsight.grade/1".
        at: aware UTC time when the asking began.
        route: the way that was gone, in words.
        letter: A to F without E; null where nobody stands in between or too little could be asked.
        why_none: why there is no letter; empty where there is one.
        reasons: ids of the failed tests that decide the letter.
        not_asked: how many tests had no answer.
        unasked: why most of them had none, in a sentence; empty where all had one.
        answers: all tests, in the table's order.

    """

    schema: str
    at: datetime
    route: str
    letter: Letter | None
    why_none: str
    reasons: tuple[str, ...]
    not_asked: int
    unasked: str
    answers: tuple[GradeAnswerRecord, ...]


def record(grade: Grade, seen: Seen, tests: GradeTests) -> GradeRecord:
    """The object for one grade."""
    answers = tuple(
        GradeAnswerRecord(
            test=one.test, group=tests[one.test].group, outcome=one.outcome, seen=one.seen,
            best=tests[one.test].best, question=tests[one.test].question, bad=tests[one.test].bad,
            why=tests[one.test].why, vendor=tests[one.test].vendor,
            sources=tests[one.test].sources,
        )
        for one in grade.answers
    )  # fmt: skip
    return GradeRecord(
        schema=GRADES_SCHEMA, at=seen.at, route=seen.route, letter=grade.letter,
        why_none=grade.why_none, reasons=grade.reasons, not_asked=grade.not_asked, unasked=_unasked(grade), answers=answers,
    )  # fmt: skip


def _unasked(grade: Grade) -> str:
    """Of most tests without an answer, why."""
    why = Counter(one.seen for one in grade.answers if one.outcome in ("not-asked", "unclear"))
    if not why:
        return ""
    (most, count), *_ = why.most_common(1)
    return f"The letter is of what could be asked: {grade.not_asked} tests had no answer, {count} because {most}."
