"""A letter for an interceptor, from what was seen of it.

Theory of operation
-------------------
Each test of the table (data/grade_tests.toml) is answered from what was seen, and no answer is guessed: where the good
server could not be reached, because the interceptor does not trust our root, a refusal of a bad one says nothing, and
the test was not asked. The groups answer by themselves (`detector.judging.graded_visits` and its neighbours). The letter
is the worst of what the failed tests allow, as in Durumeric et al., NDSS 2017; an A is what passes all that was asked. Without
a word of our servers, signed, there is no letter: a stranger on that port would get an A for nonsense.
"""

from __future__ import annotations

from collections.abc import Iterable

from detector.judging.graded_clients import answers_to_clients
from detector.judging.graded_hellos import answers_to_hellos
from detector.judging.graded_leaves import answers_to_leaves
from detector.judging.graded_lost import answers_to_losses
from detector.judging.graded_shown import minted
from detector.judging.graded_visits import answers_to_visits
from detector.known.knowledge import PublishedKeys
from detector.model.grades import GOOD, LETTERS, Answer, Grade, GradeTests, Letter, Seen


def grade(seen: Seen, tests: GradeTests, published: PublishedKeys) -> Grade:
    """What it comes to."""
    if not any(one.chain for one in seen.visits):
        return Grade(letter=None, answers=(), why_none="no server could be reached")
    forged = {one.server for one in minted(seen)}
    if GOOD not in forged:
        if any(one.chain for one in seen.visits if one.server == GOOD):
            why = "nobody stands in between: the good server's own certificate came"
            return Grade(letter=None, answers=(), why_none=why)
        if not forged:
            return Grade(letter=None, answers=(), why_none="nobody is seen in between")
    found = {
        one.test: one
        for one in (
            *answers_to_visits(seen, tests),
            *answers_to_hellos(seen),
            *answers_to_leaves(seen, tests, published),
            *answers_to_losses(seen),
            *answers_to_clients(seen),
        )
    }
    answers = tuple(
        found.get(test.id, Answer(test=test.id, outcome="not-asked", seen="it was not asked"))
        for test in tests
    )
    if not seen.met and not any(one.saw is not None for one in seen.visits):
        # Whoever answers on that port looks the same, and what he seems to refuse was never near our servers.
        why = "none of our servers was heard, by this way or past it"
        return Grade(letter=None, answers=answers, why_none=why)
    return graded(answers, tests)


def letter_of(
    answers: Iterable[Answer], tests: GradeTests
) -> tuple[Letter | None, tuple[str, ...]]:
    """The letter and the ids of the failures that decide it; None where no test passed or failed."""
    given = [one for one in answers if one.outcome in ("passed", "failed", "passed-on")]
    if not given:
        return None, ()
    failed = [one.test for one in given if one.outcome == "failed"]
    worst: Letter = max((tests[one].best for one in failed), key=LETTERS.index, default="A")
    return worst, tuple(one for one in failed if tests[one].best == worst)


def graded(answers: tuple[Answer, ...], tests: GradeTests) -> Grade:
    """The answers with their letter."""
    letter, reasons = letter_of(answers, tests)
    if letter is None:
        return Grade(letter=None, answers=answers, why_none="nothing could be asked")
    return Grade(letter=letter, answers=answers, reasons=reasons)
