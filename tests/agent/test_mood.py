"""How open the way out is: when it is told, and what it says to who reads no finding."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from detector.agent.mood import Felt, Looked, Mood, looked, ran

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def life(*steps: tuple[int, Looked, int, int], every: float = 3600.0) -> tuple[list[str], Mood]:
    """Runs, each (minute, what was seen, asked, silent): the notices' codes, and the mood at the end."""
    mood: Mood | None = None
    codes: list[str] = []
    for minute, seen, asked, silent in steps:
        now = NOON + minute * MINUTE
        for felt in _felt(mood, seen, asked, silent, every, now):
            codes += [one.code for one in felt.said]
            mood = felt.mood
    assert mood is not None
    return codes, mood


def _felt(
    mood: Mood | None, seen: Looked, asked: int, silent: int, every: float, now: datetime
) -> list[Felt]:
    first = looked(mood, seen, every, now)
    return [first, ran(first.mood, asked, silent, now)]


def test_a_portal_is_told_when_it_comes_and_when_it_goes() -> None:
    codes, mood = life((0, "open", 5, 0), (60, "captive", 2, 2), (61, "captive", 2, 2))
    assert codes == ["captive-portal"]
    assert (mood.word, mood.since) == ("captive", NOON + 60 * MINUTE)
    assert not mood.lasts(NOON + 119 * MINUTE)
    assert mood.lasts(NOON + 121 * MINUTE)
    codes, mood = life((0, "captive", 2, 2), (5, "open", 5, 0))
    assert codes == ["captive-portal", "portal-left"]
    assert not mood.lasts(NOON + timedelta(days=9))


def test_an_hour_in_which_nobody_completes_a_handshake_is_told_once_and_so_is_its_end() -> None:
    dropped = [(minute, "open", 5, 5) for minute in (0, 1, 3, 7, 15, 31)]
    assert life(*dropped)[0] == []  # type: ignore[arg-type]
    codes, mood = life(*dropped, (63, "open", 5, 5), (123, "unknown", 5, 5))  # type: ignore[arg-type]
    assert codes == ["nothing-answers"]
    assert (mood.word, mood.since) == ("blocked", NOON)
    assert mood.lasts(NOON + 63 * MINUTE)
    codes, mood = life(*dropped, (63, "open", 5, 5), (123, "open", 5, 4))  # type: ignore[arg-type]
    assert codes == ["nothing-answers", "answers-again"]
    assert (mood.word, mood.silent) == ("open", 0)


@pytest.mark.parametrize(
    "steps",
    [
        ((0, "open", 5, 5), (200, "open", 5, 5)),  # two runs
        ((0, "open", 5, 5), (30, "open", 5, 4), (60, "open", 5, 5), (90, "open", 5, 5)),
        ((0, "open", 0, 0), (60, "open", 0, 0), (120, "open", 0, 0)),  # nobody was asked
        ((0, "offline", 5, 5), (60, "offline", 5, 5), (120, "offline", 5, 5)),
        ((0, "captive", 2, 2), (60, "captive", 2, 2), (120, "captive", 2, 2)),
    ],
)
def test_else_nothing_is_said_of_handshakes(
    steps: tuple[tuple[int, Looked, int, int], ...],
) -> None:
    assert "nothing-answers" not in life(*steps)[0]


def test_a_clock_that_is_set_back_makes_no_future_of_it() -> None:
    _, mood = life((120, "captive", 2, 2), (0, "captive", 2, 2))
    assert mood.since == NOON


def test_behind_a_portal_after_silence_the_count_begins_anew() -> None:
    codes, mood = life(
        (0, "open", 5, 5), (30, "open", 5, 5), (60, "captive", 2, 2), (90, "open", 5, 5)
    )
    assert codes == ["captive-portal", "portal-left"]
    assert mood.silent == 1
