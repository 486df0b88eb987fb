"""Pastes in the shapes that people post: the cause that was found in the end, and the setting that mended it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from detector.knowledge.explanations import error_table
from detector.messages.explaining import Answer, answers
from detector.messages.reading import lines_of
from detector.model.programs import line_for

DATA = Path(__file__).parents[1] / "data"
PASTES = tomllib.loads((DATA / "pastes.toml").read_text())["paste"]
INNOCENT = (DATA / "innocent_lines.txt").read_text().splitlines()
TABLE = error_table()


def first(text: str) -> Answer:
    found = answers(lines_of(text), TABLE)
    assert found, text
    return found[0]


def settings_of(answer: Answer) -> str:
    lines = [line_for(one.fix, "sh", "CA", "BUNDLE") + one.fix.text for one in answer.remedies]
    keys = [setting.key for program in answer.programs[:2] for setting in program.setting]
    advice = [fix for one in answer.causes[:2] for _, fix in one.cause.advice]
    return "\n".join((*lines, *keys, *advice)).lower()


@pytest.mark.parametrize("paste", PASTES, ids=lambda paste: paste["text"][:40])
def test_the_settled_cause_is_first_or_second(paste: dict[str, list[str]]) -> None:
    found = [one.cause.id for one in first(str(paste["text"])).causes[:2]]
    assert set(found) & set(paste["causes"]), found


def test_it_is_first_in_nine_of_ten() -> None:
    right = [p for p in PASTES if first(p["text"]).causes[0].cause.id in p["causes"]]
    assert len(right) >= 0.9 * len(PASTES)


@pytest.mark.parametrize(
    "paste", [p for p in PASTES if p["settings"]], ids=lambda paste: paste["text"][:40]
)
def test_a_setting_of_the_users_own_program_is_named(paste: dict[str, list[str]]) -> None:
    said = settings_of(first(str(paste["text"])))
    assert any(one.lower() in said for one in paste["settings"]), said


@pytest.mark.parametrize("line", INNOCENT)
def test_lines_that_are_no_failure_of_tls_are_left_alone(line: str) -> None:
    assert answers(lines_of(line), TABLE) == ()


@pytest.mark.parametrize("column", [40, 60, 80])
@pytest.mark.parametrize("paste", PASTES[:12], ids=lambda paste: paste["text"][:40])
def test_a_wrap_at_any_column_changes_no_cause(paste: dict[str, str], column: int) -> None:
    text = paste["text"]
    wrapped = "\n".join(
        line[at : at + column]
        for line in text.split("\n")
        for at in range(0, max(len(line), 1), column)
    )
    assert first(wrapped).causes[0].cause.id == first(text).causes[0].cause.id
