from itertools import permutations

import pytest

from detector.cli.exit_codes import exit_code, worst
from detector.model.observation import Judgement


def judged(verdict: str, *, sanctioned: bool = False) -> Judgement:
    return Judgement(None, verdict, "", "", (), sanctioned)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "code"),
    [("direct", 0), ("consistent", 0), ("private", 0), ("suspect", 1), ("intercepted", 1),
     ("inconclusive", 3)],
)  # fmt: skip
def test_the_designs_codes(verdict: str, code: int) -> None:
    assert exit_code(judged(verdict)) == code


def test_a_sanctioned_interceptor_is_clean_only_when_allowed() -> None:
    assert exit_code(judged("intercepted", sanctioned=True)) == 1
    assert exit_code(judged("intercepted", sanctioned=True), allow_sanctioned=True) == 0


def test_over_several_targets_1_beats_3_beats_0() -> None:
    for codes in permutations((0, 1, 3)):
        total = 0
        for code in codes:
            total = worst(total, code)
        assert total == 1
    assert worst(worst(0, 3), 0) == 3
    assert worst(2, 3) == 2
