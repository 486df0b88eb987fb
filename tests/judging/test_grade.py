"""The letter is the worst of what the failures allow, and no answer is no failure."""

from __future__ import annotations

from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from detector.judging.grade import graded, letter_of
from detector.model.grades import GOOD, LETTERS, Answer, Outcome, Seen
from tests.judging import graded_seen
from tests.judging.graded_seen import TESTS, instead, minted, seen, strict, visit

OUTCOMES = st.lists(st.sampled_from(get_args(Outcome)), min_size=len(TESTS), max_size=len(TESTS))


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


@given(OUTCOMES, st.sampled_from(TESTS.rows))
def test_one_failure_more_never_raises_the_letter(outcomes: list[Outcome], worse: object) -> None:
    answers = [Answer(test=test.id, outcome=how) for test, how in zip(TESTS, outcomes, strict=True)]
    before, _ = letter_of(answers, TESTS)
    failed = [
        msgspec.structs.replace(one, outcome="failed") if one.test == worse.id else one  # type: ignore[attr-defined]
        for one in answers
    ]
    after, reasons = letter_of(failed, TESTS)
    assert after is not None
    assert reasons
    assert before is None or LETTERS.index(after) >= LETTERS.index(before)


def test_who_refuses_everything_fails_only_what_no_server_can_ask() -> None:
    found = graded_seen.graded(strict())
    assert (found.letter, found.reasons) == ("B", ("ech-lost",))
    worse = graded_seen.graded(instead(strict(), visit("self-signed", "answered")))
    assert (worse.letter, worse.reasons) == ("F", ("self-signed",))


def test_where_nobody_stands_in_between_there_is_no_grade() -> None:
    straight = seen(genuine=(visit(GOOD, "answered", minted(GOOD)),))
    found = graded_seen.graded(straight)
    assert (found.letter, "nobody stands in between" in found.why_none) == (None, True)
    nowhere = msgspec.structs.replace(strict(), visits=())
    assert graded_seen.graded(nowhere).why_none == "no server could be reached"


def test_a_stranger_who_shows_leaves_and_says_nothing_of_our_servers_gets_no_letter() -> None:
    """Whatever he refuses; that he shakes hands well proves nothing either."""
    unheard = [visit(one.server, "page") for one in strict().visits]
    found = graded_seen.graded(seen(*unheard))
    assert (found.letter, "none of our servers was heard" in found.why_none) == (None, True)
    assert {one.outcome for one in found.answers} >= {"passed", "unclear"}
    # A word of one of them, by whatever way, is enough.
    told = msgspec.structs.replace(seen(*unheard), met=strict().met)
    assert graded_seen.graded(told).letter is not None


def test_what_was_saved_comes_to_the_same_grade() -> None:
    whole = instead(strict(), visit("expired", "answered"))
    again = msgspec.json.decode(msgspec.json.encode(whole), type=Seen)
    assert graded_seen.graded(again) == graded_seen.graded(whole)
