"""A letter for an interceptor, from what was seen of it.

Theory of operation
-------------------
Each test of the table (data/grade_tests.toml) is answered by a function that gets what was seen, and no answer is
guessed: where the good server itself could not be reached, a refusal of a bad one says nothing. A bad server was accepted
where its signed word came back through the interceptor. It was *masked* where the leaf that the client was shown does not
show the fault; where it does (Squid copies dates and names), the client can still refuse, and the fault is passed on.
The letter is the worst of what the failed tests allow, as in Durumeric et al., NDSS 2017.
"""

from __future__ import annotations

from collections.abc import Iterable

from detector.model.grades import LETTERS, Answer, Grade, GradeTests, Letter


def letter_of(
    answers: Iterable[Answer], tests: GradeTests
) -> tuple[Letter | None, tuple[str, ...]]:
    """The letter and the ids of the failures that decide it; None where no test passed or failed.

    An A is what passes everything that was asked.
    """
    given = [one for one in answers if one.outcome in ("passed", "failed", "passed-on")]
    if not given:
        return None, ()
    failed = [one.test for one in given if one.outcome == "failed"]
    worst: Letter = max((tests[one].best for one in failed), key=LETTERS.index, default="A")
    return worst, tuple(one for one in failed if tests[one].best == worst)


def graded(answers: tuple[Answer, ...], tests: GradeTests, why_none: str = "") -> Grade:
    """The answers with their letter; without one where `why_none` says so."""
    letter, reasons = letter_of(answers, tests)
    if why_none or letter is None:
        return Grade(letter=None, answers=answers, why_none=why_none or "nothing could be asked")
    return Grade(letter=letter, answers=answers, reasons=reasons)
