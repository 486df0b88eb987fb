"""A grade as a page: what decides first, a card for each failure, every test in a table, and nothing of others' unescaped."""

from __future__ import annotations

import msgspec

from detector.model.grades import GOOD, Seen
from detector.report.grade_json import record
from detector.report.grade_page import grade_page
from detector.report.page import html
from tests.judging.graded_seen import TESTS, graded, instead, minted, seen, strict, visit
from tests.report.test_check_page import text_of


def paged(whole: Seen) -> tuple[object, str]:
    made = grade_page(record(graded(whole), whole, TESTS))
    return made, html(made)


def test_the_letter_and_its_reasons_come_first_and_every_failure_has_its_remedy() -> None:
    _, text = paged(instead(strict(), visit("self-signed", "answered")))
    said = text_of(text).replace("&#39;", "'")
    assert said.index("Grade F") < said.index("It accepts a certificate that signed itself.")
    assert TESTS["self-signed"].vendor in said
    assert TESTS["self-signed"].sources[0] in said
    assert all(test.id in said for test in TESTS)
    assert 'href="#test-self-signed"' in text
    assert 'href="#test-expired"' not in text


def test_where_there_is_no_grade_the_page_says_why() -> None:
    straight = seen(genuine=(visit(GOOD, "answered", minted(GOOD)),))
    _, text = paged(straight)
    assert "Nobody stands in between" in text_of(text)


def test_words_of_others_steer_nothing() -> None:
    evil = msgspec.structs.replace(
        instead(strict(), msgspec.structs.replace(visit("expired", "refused"), why="<script>\x1b[2J")),
        route="through <b>\u202e",
    )  # fmt: skip
    _, text = paged(evil)
    assert "<script" not in text
    assert "<b>" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
