"""The letter is the worst of what the failures allow, and no answer is no failure."""

from __future__ import annotations

from detector.judging.grade import graded, letter_of
from detector.knowledge.grade_tests import grade_tests
from detector.model.grades import Answer

TESTS = grade_tests()


def test_the_worst_failure_decides_and_is_the_reason() -> None:
    answers = (
        Answer(test="self-signed", outcome="failed"),
        Answer(test="server-rc4", outcome="failed"),
        Answer(test="expired", outcome="passed"),
    )
    assert letter_of(answers, TESTS) == ("F", ("self-signed",))


def test_a_fault_that_is_passed_on_and_a_question_that_was_not_asked_lower_nothing() -> None:
    answers = (
        Answer(test="expired", outcome="passed-on"),
        Answer(test="wrong-name", outcome="not-asked"),
        Answer(test="unknown-ca", outcome="unclear"),
    )
    grade = graded(answers, TESTS)
    assert (grade.letter, grade.not_asked) == ("A", 2)


def test_without_one_answer_there_is_no_letter() -> None:
    grade = graded((Answer(test="expired", outcome="not-asked"),), TESTS)
    assert (grade.letter, grade.why_none) == (None, "nothing could be asked")
